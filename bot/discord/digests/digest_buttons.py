"""The buttons of a digest: one asks about a paper, the other explains the digest and how to change it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from discord import ui

from bot.discord.answers.answer_forms import TEXT, paragraph
from bot.discord.digests.digest_phrases import described
from bot.discord.gate.events import Acknowledge
from bot.discord.gate.gate import ActKind, Audience
from bot.discord.gate.gate_components import Clickable, Form
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.discord_limits import LONGEST_QUESTION
from bot.discord.ui.layout import notice
from bot.discord.ui.markdown import plain, shorten_at_end
from bot.language import say

if TYPE_CHECKING:
    from bot.discord.gate.gate_components import Gesture, Typed
    from bot.discord.services import Bot

TITLE_CHARACTERS: Final = 300
# A form has to open within 3 s of the click, and a paper id that is a hash has to be searched for.
LONGEST_LOOK_UP: Final = timedelta(seconds=1)


class About(Clickable[ui.Button[Any]], template=ids.ABOUT + ids.PAPER):
    """The button that asks about a paper."""

    audience = Audience.ASKERS
    acknowledge = Acknowledge.BY_FORM

    async def clicked(self, click: Gesture) -> None:
        """Open the form, with a suggested question if the paper is found in time."""
        try:
            async with asyncio.timeout(LONGEST_LOOK_UP.total_seconds()):
                paper_id = await ids.paper_of(self.match["paper"], click.services.library)
                paper = None if paper_id is None else await click.services.library.get(paper_id)
        except TimeoutError:
            await click.interaction.response.send_modal(AboutPaper())
            return
        if paper is None:
            await click.interaction.response.send_message(
                view=notice(say("I no longer have that paper.")), ephemeral=True
            )
            return
        await click.interaction.response.send_modal(AboutPaper(paper.title))


class AboutPaper(Form, template=ids.ABOUT_FORM):
    """The form for a question about a paper."""

    act_kind = ActKind.QUESTION
    audience = Audience.ASKERS
    acknowledge = Acknowledge.AS_SET

    def __init__(self, title: str | None = None) -> None:
        super().__init__(say("Ask about it"), ids.ABOUT_FORM)
        question = None
        if title is not None:
            question = say("What is new in “{title}”?", title=shorten_at_end(plain(title), TITLE_CHARACTERS))
        text = paragraph(say("I answer from the papers."), LONGEST_QUESTION, default=question)
        self.add(say("Your question"), text)

    @staticmethod
    async def sent(form: Gesture, typed: Typed) -> None:
        """Answer the question where the digest is; only to the asker if the settings say so or nobody else saw it."""
        await form.services.responder.answer(form.admitted, typed[TEXT])


class AboutDigest(
    Clickable[ui.Button[Any]], template=ids.DIGEST + r"(?P<subscription>[\w-]{1,16}):(?P<nonce>[\w-]+):\d+"
):
    """The button that explains what a digest is and how to change it."""

    async def clicked(self, click: Gesture) -> None:
        """Describe the subscription to whoever clicked."""
        subscription = await click.services.store.subscriptions.get(self.match["subscription"])
        if subscription is None:
            sentence = say("This digest was unsubscribed; there will be no more of it.")
        else:
            how = say("Change it with /digest edit, stop it with /digest pause or /digest unsubscribe.")
            bot = cast("Bot", click.interaction.client)
            sentence = f"{await described(subscription, bot)}\n{await bot.linked(how)}"
        await click.admitted.target.post(notice(sentence))
