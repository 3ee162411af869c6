"""The panel of /settings: every setting with its value and the control that changes it, in one message.

Its controls carry everything in their ids, so that an open panel survives a restart.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands, ui

from bot.discord.gate.availability import is_moderator
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate_components import Clickable, Form
from bot.discord.settings.server_settings import (
    HOURS,
    PREFIX_CHARACTERS,
    ZONE_CHARACTERS,
    checked_hour,
    checked_prefix,
    checked_zone,
    described,
    taken,
)
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import SELECT_OPTIONS
from bot.discord.ui.layout import Card
from bot.discord.ui.markdown import escape
from bot.discord.ui.permissions import mine_in
from bot.language import LANGUAGES, say
from retrieval import BadInputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.discord.gate.gate import ActKind, Admitted, Audience
    from bot.discord.gate.gate_components import Gesture, Typed
    from bot.discord.services import Services
    from bot.discord.settings.server_settings import Setting
    from bot.store import ServerSettings, Spending, Store

AS_SERVER: Final = "server"  # the option of the language select that means None
WHERE_PEOPLE_WRITE: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.forum,
]

_SET: Final = "footnote:set:"


def panel(
    settings: ServerSettings,
    *,
    listens: bool,
    spendings: Sequence[Spending] = (),
    note: str | None = None,
    warning: str | None = None,
) -> Card:
    """Lay out the panel: each setting above or beside its control.

    `listens` says whether the bot receives messages that do not mention it, `note` what has just happened; `spendings`
    is the server's language model usage this month.
    """
    facts = {setting.key: setting for setting in described(settings, listens=listens)}
    heading = "### " + say("Settings of this server") + "\n-# " + say("Each change takes effect at once.")
    items: list[ui.Item[Any]] = [ui.TextDisplay(heading)]
    for key, select in (
        ("channels", _channels(settings)),
        ("roles", _roles(settings)),
        ("exempt", _exempt(settings)),
        ("language", _languages(settings)),
    ):
        items += [ui.TextDisplay(facts[key].text), ui.ActionRow(select)]
    items += [
        _switch(facts["private"], on=settings.private),
        _switch(facts["threads"], on=settings.threads),
        _beside(facts["prefix"], say("Change the prefix…")),
        _beside(facts["digest"], say("Change the digest…")),
    ]
    if spendings:
        items.append(ui.TextDisplay(taken(spendings)))
    if warning:
        items.append(ui.TextDisplay(f"⚠️ {warning}"))
    if note:
        items.append(ui.TextDisplay(note))
    return Card(ui.Container(*items))


def _channels(settings: ServerSettings) -> ui.ChannelSelect[Any]:
    chosen = [
        discord.SelectDefaultValue(id=channel_id, type=discord.SelectDefaultValueType.channel)
        for channel_id in sorted(settings.channels)[:SELECT_OPTIONS]
    ]
    return ui.ChannelSelect(
        custom_id=f"{_SET}channels",
        channel_types=WHERE_PEOPLE_WRITE,
        placeholder=say("Channels: all – choose some"),
        min_values=0,
        max_values=SELECT_OPTIONS,
        default_values=chosen,
    )


def _roles(settings: ServerSettings) -> ui.RoleSelect[Any]:
    return _role_select("roles", say("Roles: everyone – choose some"), settings.roles)


def _exempt(settings: ServerSettings) -> ui.RoleSelect[Any]:
    return _role_select("exempt", say("Exempt roles: none – choose some"), settings.exempt)


def _role_select(key: str, placeholder: str, roles: frozenset[int]) -> ui.RoleSelect[Any]:
    chosen = [
        discord.SelectDefaultValue(id=role_id, type=discord.SelectDefaultValueType.role)
        for role_id in sorted(roles)[:SELECT_OPTIONS]
    ]
    return ui.RoleSelect(
        custom_id=f"{_SET}{key}",
        placeholder=placeholder,
        min_values=0,
        max_values=SELECT_OPTIONS,
        default_values=chosen,
    )


def _languages(settings: ServerSettings) -> ui.Select[Any]:
    options = {AS_SERVER: say("As set in the server"), **LANGUAGES}
    return ui.Select(
        custom_id=f"{_SET}language",
        placeholder=say("Language"),
        options=[
            discord.SelectOption(label=name, value=code, default=code == (settings.language or AS_SERVER))
            for code, name in options.items()
        ],
    )


def _switch(setting: Setting, *, on: bool) -> ui.Section[Any]:
    """Make a switch; its id says what a click sets, so that a second click on an old panel changes nothing."""
    label = {
        ("private", False): say("Make answers private"),
        ("private", True): say("Make answers public"),
        ("threads", False): say("Open threads"),
        ("threads", True): say("Do not open threads"),
    }[setting.key, on]
    wanted = "off" if on else "on"
    style = discord.ButtonStyle.success if on else discord.ButtonStyle.secondary
    button: ui.Button[Any] = ui.Button(label=label, custom_id=f"{_SET}{setting.key}:{wanted}", style=style)
    return ui.Section(setting.text, accessory=button)


def _beside(setting: Setting, label: str) -> ui.Section[Any]:
    return ui.Section(setting.text, accessory=ui.Button(label=label, custom_id=f"{_SET}{setting.key}:form"))


class SettingSelect(Clickable[ui.Select[Any]], template=f"{_SET}(?P<key>channels|roles|exempt|language)"):
    """Apply what was chosen in a select."""

    acknowledge = Acknowledge.ON_CARD

    async def clicked(self, click: Gesture) -> None:
        """Save the choice and show it."""
        key = self.match["key"]
        chosen: list[Any] = list(self.item.values)

        async def change(settings: ServerSettings) -> ServerSettings:
            if key == "language":
                return replace(settings, language=None if chosen == [AS_SERVER] else chosen[0])
            picked = frozenset(item.id for item in chosen)
            match key:
                case "channels":
                    return replace(settings, channels=picked)
                case "exempt":
                    return replace(settings, exempt=picked)
            return replace(settings, roles=picked)

        await _change(click.interaction, click.admitted, click.services, change)


class SettingButton(Clickable[ui.Button[Any]], template=f"{_SET}(?P<key>[a-z]+):(?P<wanted>on|off|form)"):
    """Turn a setting on or off, or open the form of a text setting."""

    @property
    def terms(self) -> tuple[ActKind, Audience, Acknowledge]:
        """The gate's terms; they depend on whether a form opens."""
        how = Acknowledge.BY_FORM if self.match["wanted"] == "form" else Acknowledge.ON_CARD
        return self.act_kind, self.audience, how

    async def clicked(self, click: Gesture) -> None:
        """Save the switch and show it, or open the form."""
        key, wanted = self.match["key"], self.match["wanted"]

        async def change(settings: ServerSettings) -> ServerSettings:
            on = wanted == "on"
            return replace(settings, private=on) if key == "private" else replace(settings, threads=on)

        if wanted != "form":
            await _change(click.interaction, click.admitted, click.services, change)
            return
        settings = await click.services.store.servers.of(_server(click.interaction))
        form = PrefixForm(settings) if key == "prefix" else DigestForm(settings)
        await click.interaction.response.send_modal(form)


class PrefixForm(Form, template=ids.PREFIX_FORM):
    """Ask for the prefix of chat commands."""

    acknowledge = Acknowledge.ON_CARD

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__(say("Prefix of chat commands"), ids.PREFIX_FORM)
        text: ui.TextInput[Any] = ui.TextInput(
            custom_id="prefix", default=settings.prefix, max_length=PREFIX_CHARACTERS
        )
        self.add(say("Prefix"), text, say("Such as ! or fn?"))

    @staticmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Save the prefix if it is valid."""

        async def change(settings: ServerSettings) -> ServerSettings:
            return replace(settings, prefix=checked_prefix(typed["prefix"]))

        await _change(form.interaction, form.admitted, form.services, change)


class DigestForm(Form, template=ids.TIME_FORM):
    """Ask for the hour of digests and its time zone."""

    acknowledge = Acknowledge.ON_CARD

    def __init__(self, settings: ServerSettings) -> None:
        super().__init__(say("When digests are posted"), ids.TIME_FORM)
        hour: ui.TextInput[Any] = ui.TextInput(
            custom_id="hour", default=f"{settings.digest_hour}:00", max_length=len("00:00 Uhr")
        )
        zone: ui.TextInput[Any] = ui.TextInput(
            custom_id="zone", default=settings.digest_zone, max_length=ZONE_CHARACTERS
        )
        hours = say("A whole hour from {first} to {last}", first=HOURS.start, last=HOURS.stop - 1)
        self.add(say("Hour"), hour, hours)
        self.add(say("Time zone"), zone, say("Such as Europe/Berlin, America/New_York or UTC"))

    @staticmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Save both if both are valid."""

        async def change(settings: ServerSettings) -> ServerSettings:
            hour, zone = checked_hour(typed["hour"]), await checked_zone(typed["zone"])
            return replace(settings, digest_hour=hour, digest_zone=zone)

        await _change(form.interaction, form.admitted, form.services, change)


async def _change(
    interaction: discord.Interaction[Any],
    admitted: Admitted,
    services: Services,
    change: Callable[[ServerSettings], Awaitable[ServerSettings]],
) -> None:
    """Change the settings and redraw the panel, with a sentence if the change is not possible."""
    guild_id = _server(interaction)
    # Each change saves all settings, and would undo a concurrent one.
    async with services.changing_settings:
        before = await services.store.servers.of(guild_id)
        try:
            after = await change(before)
        except BadInputError as error:
            after, note = before, f"❌ {escape(str(error))}"
        else:
            await services.store.servers.save(guild_id, after)
            note = "✅ " + say("Saved.")
    view = panel(
        after,
        listens=interaction.client.intents.message_content,
        spendings=await this_month(services.store, guild_id),
        note=note,
        warning=unheard(interaction.guild, after),
    )
    await admitted.target.post(view)


async def this_month(store: Store, guild_id: int) -> list[Spending]:
    """List the server's language model usage this month (UTC)."""
    return await store.usage.since(datetime.now(UTC).date().replace(day=1), guild_id)


def _server(interaction: discord.Interaction[Any]) -> int:
    """Find the server of the panel; raises MissingPermissions if the person may no longer manage it."""
    if not is_moderator(interaction.permissions, interaction.guild_id):
        raise app_commands.MissingPermissions(["manage_guild"])
    assert interaction.guild_id is not None
    return interaction.guild_id


def unheard(guild: discord.Guild | None, settings: ServerSettings) -> str | None:
    """Name the chosen channels in which the bot may not see or write, or None."""
    if guild is None:
        return None
    closed = []
    for channel_id in sorted(settings.channels):
        channel = guild.get_channel(channel_id)
        if channel is None:
            continue
        mine = mine_in(channel)
        if not (mine.view_channel and mine.send_messages):
            closed.append(f"<#{channel_id}>")
    if not closed:
        return None
    return say("I need the permissions View Channel and Send Messages in {channels}.", channels=", ".join(closed))
