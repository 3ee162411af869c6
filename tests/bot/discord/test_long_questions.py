"""However a question is asked, it may be as long as Discord lets people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bot.discord.prepared import TITLE, PreparedAnswers, done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from tests.local_discord import Channel, Message, Person

    Ask: TypeAlias = Callable[[Person, Channel, str], Awaitable[Message]]

pytestmark = pytest.mark.usefixtures("bot")

LONG = ("does likelihood matter for models of this kind, and if so why? " * 40)[:2000].rstrip().ljust(2000, "?")


async def by_mention(ada: Person, papers: Channel, mention: str) -> Message:
    await ada.says(papers, f"{mention} {LONG}"[:2000])
    return await papers.wait_for_bot_message()


async def by_direct_message(ada: Person, papers: Channel, mention: str) -> Message:
    await ada.dms(LONG)
    return await ada.dm.wait_for_bot_message()


async def by_command(ada: Person, papers: Channel, mention: str) -> Message:
    return await (await ada.uses_command(papers, "ask", question=LONG)).finished()


async def by_menu(ada: Person, papers: Channel, mention: str) -> Message:
    return await (await ada.uses_context_menu(await ada.says(papers, LONG), "Ask about this")).finished()


async def by_form(ada: Person, papers: Channel, mention: str) -> Message:
    card = await (await ada.uses_command(papers, "ask", question="first?")).finished(done)
    (button,) = [part for part in card.parts() if str(part.get("custom_id")).startswith("footnote:more:")]
    click = await (await ada.clicks(card, button["custom_id"])).response()
    return await (await ada.submits(click, {"Your question": LONG})).finished()


@pytest.mark.parametrize("ask", [by_mention, by_direct_message, by_command, by_menu, by_form])
async def test_two_thousand_characters_are_answered(
    papers: Channel, ada: Person, answers: PreparedAnswers, mention: str, ask: Ask
) -> None:
    assert len(LONG) == 2000
    message = await ask(ada, papers, mention)
    await message.wait_until(lambda now: TITLE in now.text and done(now))
    asked = answers.asked[-1]
    assert LONG.startswith(asked.removesuffix("…"))
    assert len(asked) >= 1950
