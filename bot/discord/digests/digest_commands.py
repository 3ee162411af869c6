"""/digest: subscribe to new papers on your topics, at your hour, in a channel or in direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.digest import GoneError, UnavailableError
from bot.digest.subscription_editor import MOST_PAPERS, MOST_PER_CHANNEL, changed, due_after, subscribe
from bot.discord.digests import digest_inputs as inputs
from bot.discord.digests.digest_buttons import About, AboutDigest
from bot.discord.digests.digest_card import digest_cards, shown_hint
from bot.discord.digests.digest_channels import (
    Anywhere,
    demand_announcements,
    demand_post,
    find_channel,
    may_manage,
    target_of,
)
from bot.discord.digests.digest_defaults import DigestDefaults
from bot.discord.digests.digest_phrases import described, titled, where
from bot.discord.digests.visible_digests import VisibleDigests, unknown_digest
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.reply.interaction_target import server_of
from bot.discord.settings.server_settings import checked_zone
from bot.discord.ui.discord_limits import MESSAGE_CHARACTERS
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain
from bot.language import current_language, say, say_many
from retrieval import BadInputError

if TYPE_CHECKING:
    from bot.discord.gate.gate import Admitted
    from bot.discord.services import Bot
    from bot.store import Subscription

TOPICS_CHARACTERS: Final = 600
TYPED_CHARACTERS: Final = 200
MOST_LISTED: Final = 25

Hour = app_commands.Range[int, 0, 23]
Papers = app_commands.Range[int, 1, MOST_PAPERS]
Topics = app_commands.Range[str, 1, TOPICS_CHARACTERS]
Typed = app_commands.Range[str, 1, TYPED_CHARACTERS]
Channel = app_commands.Transform[int, Anywhere]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
class Digests(commands.GroupCog, group_name="digest", group_description="New papers on your topics, at your hour."):
    """The /digest commands: subscribe, and manage subscriptions."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._gate = bot.services.gate
        self._library = bot.services.library
        self._subscriptions = bot.services.store.subscriptions
        self._visible = VisibleDigests(bot.services.store)
        self._defaults = DigestDefaults(bot.services.store)

    async def cog_load(self) -> None:
        """Register the buttons, including those of digests posted before a restart."""
        self._bot.add_dynamic_items(About, AboutDigest)

    @app_commands.command()
    @app_commands.describe(
        topics="What about, in plain words; separate several topics by ; or |",
        hour="The hour of the day, 0 to 23",
        zone="The time zone of that hour: begin to type a city",
        days="On which days (every day if you leave it out)",
        papers="How many papers at most (5 if you leave it out)",
        channel="In which channel, thread or forum (this one if you leave it out)",
        dm="Send it to you directly instead?",
        only="Only these sources or arXiv categories, such as huggingface or cs.CL",
        silent="Post nothing when there is nothing new?",
        roundup="Add a map of the week's papers to the last digest of the week?",
        crosspost="Publish it to the servers that follow an announcement channel?",
    )
    @app_commands.rename(channel="where")
    async def subscribe(
        self,
        interaction: discord.Interaction[Any],
        topics: Topics,
        hour: Hour | None = None,
        zone: Typed | None = None,
        days: Typed | None = None,
        papers: Papers | None = None,
        channel: Channel | None = None,
        dm: bool = False,
        only: Typed | None = None,
        silent: bool = False,
        roundup: bool = False,
        crosspost: bool = False,
    ) -> None:
        """Get a digest of new papers on your topics."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        target = await target_of(interaction, channel, direct=dm, pictures=roundup)
        if crosspost:
            demand_announcements(target.channel)
        chosen = await self._chosen(days, papers, only, silent=silent, roundup=roundup, crosspost=crosspost)
        wanted = subscribe(
            kind=target.kind,
            place_id=target.place_id,
            guild_id=target.guild_id,
            owner_id=interaction.user.id,
            topics=inputs.read_topics(topics),
            hour=await self._defaults.hour(interaction) if hour is None else hour,
            zone=await self._defaults.zone(interaction) if zone is None else await checked_zone(zone),
            now=self._bot.now(),
            language=await self._defaults.language(interaction, target),
            **chosen,
        )
        if len(await self._subscriptions.of_place(target.place_id)) >= MOST_PER_CHANNEL:
            raise BadInputError(
                say("There are {most} digests there already; unsubscribe one of them first.", most=MOST_PER_CHANNEL)
            )
        await self._greet(wanted)
        await self._subscriptions.add(wanted)
        self._bot.deliverer.wake()
        await admitted.target.post(
            notice(
                await self._bot.linked(say("✅ Subscribed. /digest preview shows what it would be now."))
                + "\n"
                + await described(wanted, self._bot),
            )
        )

    @app_commands.command(name="list")
    async def list_(self, interaction: discord.Interaction[Any]) -> None:
        """See the digests of this place, and yours."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        found = await self._visible.of(interaction)
        if not found:
            await admitted.target.post(
                notice(await self._bot.linked(say("There are no digests here yet; /digest subscribe makes one.")))
            )
            return
        text = ""
        for one in found[:MOST_LISTED]:
            description = await described(one, self._bot)
            if text and len(text) + len(description) > MESSAGE_CHARACTERS * 3 // 4:
                await admitted.target.post(notice(text))
                text = ""
            text += ("\n\n" if text else "") + description
        more = len(found) - MOST_LISTED
        if more > 0:
            text += "\n-# " + say_many("One more is not shown.", "{n} more are not shown.", more)
        await admitted.target.post(notice(text))

    @app_commands.command()
    @app_commands.describe(
        digest="Which digest",
        topics="What about, in plain words; separate several topics by ; or |",
        hour="The hour of the day, 0 to 23",
        zone="The time zone of that hour: begin to type a city",
        days="On which days",
        papers="How many papers at most",
        only="Only these sources or arXiv categories; a dash for all",
        silent="Post nothing when there is nothing new?",
        roundup="Add a map of the week's papers to the last digest of the week?",
        crosspost="Publish it to the servers that follow an announcement channel?",
    )
    async def edit(
        self,
        interaction: discord.Interaction[Any],
        digest: str,
        topics: Topics | None = None,
        hour: Hour | None = None,
        zone: Typed | None = None,
        days: Typed | None = None,
        papers: Papers | None = None,
        only: Typed | None = None,
        silent: bool | None = None,
        roundup: bool | None = None,
        crosspost: bool | None = None,
    ) -> None:
        """Change a digest."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        before = await self._visible.find(interaction, digest)
        chosen = await self._chosen(days, papers, only, silent=silent, roundup=roundup, crosspost=crosspost)
        if topics is not None:
            chosen["topics"] = inputs.read_topics(topics)
        if hour is not None:
            chosen["hour"] = hour
        if zone is not None:
            chosen["zone"] = await checked_zone(zone)
        if not chosen:
            raise BadInputError(say("Say what to change: the topics, the hour, the days or another of the options."))
        after = changed(before, self._bot.now(), **chosen)
        if (roundup or crosspost) and interaction.guild is not None and after.kind != "dm":
            there = await find_channel(interaction.guild, after.place_id)
            demand_post(there, pictures=after.roundup)
            if crosspost:
                demand_announcements(there)
        if not await self._subscriptions.change(after, was_due_at=before.next_due_at):
            raise unknown_digest()
        self._bot.deliverer.wake()
        await self._show(admitted, say("✅ Changed."), after)

    @app_commands.command()
    @app_commands.describe(digest="Which digest")
    async def pause(self, interaction: discord.Interaction[Any], digest: str) -> None:
        """Post nothing for now."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        found = await self._visible.find(interaction, digest)
        new = await self._subscriptions.pause(found.subscription_id)
        await self._show(admitted, say("✅ Paused.") if new else say("It was paused already."), found)

    @app_commands.command()
    @app_commands.describe(digest="Which digest")
    async def resume(self, interaction: discord.Interaction[Any], digest: str) -> None:
        """Go on with a digest that is paused."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        found = await self._visible.find(interaction, digest)
        if found.kind != "dm" and interaction.guild is not None:
            demand_post(await find_channel(interaction.guild, found.place_id), pictures=found.roundup)
        await self._greet(found)
        await self._subscriptions.resume(found.subscription_id, due_after(found, self._bot.now()))
        self._bot.deliverer.wake()
        await self._show(admitted, say("✅ It goes on."), found)

    @app_commands.command()
    @app_commands.describe(digest="Which digest")
    async def unsubscribe(self, interaction: discord.Interaction[Any], digest: str) -> None:
        """End a digest for good."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        found = await self._visible.find(interaction, digest)
        await self._subscriptions.remove(found.subscription_id)
        await admitted.target.post(notice(say("✅ Unsubscribed.") + "\n" + titled(found)))

    @app_commands.command()
    @app_commands.describe(digest="Which digest", topics="Or topics to try out; separate them by ; or |")
    async def preview(
        self, interaction: discord.Interaction[Any], digest: str | None = None, topics: Topics | None = None
    ) -> None:
        """See, you alone, what would be posted now."""
        admitted = await self._gate.admit(interaction, ActKind.QUESTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        if digest is not None:
            wanted = await self._visible.find(interaction, digest, to_read=True)
        elif topics is not None:
            wanted = self._trial(interaction, topics)
        else:
            raise BadInputError(say("Choose a digest, or name topics to try out."))
        composed = await self._bot.deliverer.preview(wanted)
        for card in digest_cards(composed, hint=await self._bot.linked(shown_hint(composed))):
            await admitted.target.post(card)

    @app_commands.command()
    @app_commands.describe(digest="Which digest")
    async def now(self, interaction: discord.Interaction[Any], digest: str) -> None:
        """Post a digest now, with what is new since the last one."""
        admitted = await self._gate.admit(interaction, ActKind.ACTION, Audience.ANYBODY, Acknowledge.PRIVATELY)
        found = await self._visible.find(interaction, digest)
        if found.kind != "dm":
            assert interaction.guild is not None
            if not may_manage(interaction, interaction.guild.get_channel_or_thread(found.place_id)):
                raise BadInputError(
                    say("To post in a channel now you need the permission Manage Channels or Manage Server.")
                )
        if found.paused:
            raise BadInputError(say("It is paused; /digest resume goes on with it."))
        await self._bot.deliverer.post_now(found.subscription_id)
        await admitted.target.post(
            notice(say("✅ It will be there in a moment: {where}.", where=where(found, self._bot)))
        )

    @subscribe.autocomplete("zone")
    @edit.autocomplete("zone")
    async def _zones(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await inputs.offer_zones(typed, await self._defaults.zone(interaction))

    @subscribe.autocomplete("days")
    @edit.autocomplete("days")
    async def _days(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return inputs.offer_days(typed)

    @subscribe.autocomplete("only")
    @edit.autocomplete("only")
    async def _only(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return inputs.offer_only(typed, await self._library.sources())

    @edit.autocomplete("digest")
    @pause.autocomplete("digest")
    @resume.autocomplete("digest")
    @unsubscribe.autocomplete("digest")
    @preview.autocomplete("digest")
    @now.autocomplete("digest")
    async def _digests(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        reading = interaction.command is not None and interaction.command.name == "preview"
        return await self._visible.offer(interaction, typed, to_read=reading)

    async def _chosen(
        self, days: str | None, papers: int | None, only: str | None, **switches: bool | None
    ) -> dict[str, Any]:
        """Collect the options that a new digest and an edited one share, under the store's names."""
        chosen: dict[str, Any] = {"most": papers, **switches}
        if days is not None:
            chosen["weekdays"] = inputs.read_days(days)
        if only is not None:
            everything = not plain(only).strip("-–—")
            known = await self._library.sources()
            chosen["sources"], chosen["categories"] = ((), ()) if everything else inputs.read_only(only, known)
        return {name: value for name, value in chosen.items() if value is not None}

    async def _greet(self, subscription: Subscription) -> None:
        """Greet the reader of a digest in direct messages, to see whether they arrive; raises BadInputError."""
        if subscription.kind != "dm":
            return
        sentence = say("Here you will get your digest.") + "\n" + titled(subscription)
        try:
            await self._bot.poster.tell(subscription.place_id, sentence, nonce=f"hello-{subscription.subscription_id}")
        except (GoneError, UnavailableError) as error:
            raise BadInputError(str(error)) from error

    async def _show(self, admitted: Admitted, sentence: str, subscription: Subscription) -> None:
        """Reply with what was done, and with the digest as it is now."""
        stored = await self._subscriptions.get(subscription.subscription_id)
        await admitted.target.post(notice(f"{sentence}\n{await described(stored or subscription, self._bot)}"))

    def _trial(self, interaction: discord.Interaction[Any], topics: str) -> Subscription:
        """Make up a subscription to these topics, which is never stored."""
        return subscribe(
            kind="dm",
            place_id=interaction.user.id,
            guild_id=server_of(interaction),
            owner_id=interaction.user.id,
            topics=inputs.read_topics(topics),
            hour=0,
            zone="UTC",
            now=self._bot.now(),
            language=current_language(),
            greeted=True,
        )
