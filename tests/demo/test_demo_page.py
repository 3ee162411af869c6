"""Walks through the demo in Chromium, by keyboard alone; axe-core checks each page, in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from bot.discord.stage import ASKED, CLOSEST, LISTED, SEARCHED, TOPICS, UNANSWERED
from tests.demo.visitor import ANSWER, visit

if TYPE_CHECKING:
    from bot.discord.stage import Stage
    from tests.demo.visitor import Visitor

# On a busy machine the first test waits long for the library that is filled once per run.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

TITLE = "Objective Mismatch in Model-based Reinforcement Learning"
FOCUS = "document.activeElement.closest('.message')?.id"


async def alice_in_papers(visitor: Visitor) -> None:
    await visitor.becomes("Alice")
    await visitor.goes("papers")


async def test_a_question_is_answered_read_out_and_leaves_the_focus_where_it_was(visitor: Visitor) -> None:
    answer = await visitor.says(f"@Footnote {ASKED}")
    await expect(answer).to_contain_text(TITLE)
    await expect(visitor.page.locator("#composer")).to_be_focused()
    await expect(visitor.page.get_by_role("status")).to_contain_text("Footnote: In our experiments")
    assert await visitor.violations() == []


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        (CLOSEST, "I am not sure that the papers answer this."),
        (UNANSWERED, "The papers here say nothing on that."),
        (LISTED, "On Bringing Robots Home"),
    ],
    ids=["closest", "refusal", "list"],
)
async def test_what_is_not_simply_answered_is_shown_too(visitor: Visitor, question: str, shown: str) -> None:
    answer = await visitor.says(f"@Footnote {question}")
    await expect(answer).to_contain_text(shown)
    assert await visitor.violations() == []


async def test_the_pages_of_a_search_turn_and_keep_the_focus(visitor: Visitor) -> None:
    found = await visitor.uses("search", query=SEARCHED)
    await expect(found).to_contain_text("Page 1 of 2")
    await visitor.clicks(found, "Next ▶")
    await expect(found).to_contain_text("Page 2 of 2")
    assert await visitor.page.evaluate(FOCUS) == await found.get_attribute("id")
    await visitor.clicks(found, "◀ Previous")
    await expect(found).to_contain_text("Page 1 of 2")
    assert await visitor.violations() == []


async def test_a_thumb_opens_a_form_and_gets_the_focus_back(visitor: Visitor) -> None:
    answer = await visitor.says(f"@Footnote {ASKED}")
    dialog, thumb = visitor.page.get_by_role("dialog"), answer.get_by_role("button", name="👎")
    await visitor.clicks(answer, "👎")
    await expect(dialog.get_by_role("textbox", name="What was wrong?")).to_be_focused()
    assert await visitor.violations() == []
    await visitor.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(thumb).to_be_focused()
    before = await visitor.page.locator(ANSWER).count()
    await visitor.press("Enter")
    await expect(dialog).to_be_visible()
    await visitor.types("It leaves out the remedy.")
    await visitor.tab_to(dialog.get_by_role("button", name="Submit"))
    await visitor.press("Enter")
    thanks = await visitor.answer(before)
    await expect(thanks).to_contain_text("Only you can see this")
    await expect(thumb).to_be_focused()
    words, number = await thanks.inner_text(), await thanks.get_attribute("id")
    assert "Thank you" in words
    await visitor.becomes("Bob")
    await expect(answer).to_be_attached()
    await expect(visitor.page.locator(f"#{number}")).to_have_count(0)
    await alice_in_papers(visitor)


async def test_an_answer_goes_on_in_a_thread(visitor: Visitor) -> None:
    answer = await visitor.says(f"@Footnote {ASKED}")
    await visitor.chooses(answer, "Continue in a thread")
    await visitor.tab_to(visitor.page.locator("#places .thread"))
    await visitor.press("Enter")
    await expect(visitor.page.locator("#place")).to_contain_text("has anyone shown")
    await visitor.has_looked()
    more = await visitor.says("and on which tasks?")
    await expect(more).to_contain_text(TITLE)
    assert await visitor.violations() == []
    await alice_in_papers(visitor)


async def test_messages_have_a_menu(visitor: Visitor) -> None:
    answer = await visitor.says(f"@Footnote {UNANSWERED}")
    await visitor.picks_from_menu(answer, "Reply")
    await expect(visitor.page.locator("#replying")).to_contain_text("Replying to Footnote")
    more = await visitor.says(LISTED)
    await expect(more).to_contain_text("On Bringing Robots Home")
    before = await visitor.page.locator(ANSWER).count()
    await visitor.picks_from_menu(visitor.page.locator(f".message:has-text('{LISTED}')").last, "Find papers like this")
    await expect(await visitor.answer(before)).to_contain_text("Papers on")


async def test_direct_messages_need_no_mention(visitor: Visitor) -> None:
    await visitor.goes("Footnote")
    answer = await visitor.says(LISTED)
    await expect(answer).to_contain_text("On Bringing Robots Home")
    await visitor.becomes("Bob")  # who is not part of the conversation
    await expect(visitor.page.locator("#place")).to_have_text("# papers")
    await alice_in_papers(visitor)


async def test_settings_are_for_the_moderator_and_hold(visitor: Visitor, stage: Stage) -> None:
    await visitor.tab_to(visitor.page.locator("#composer"), back=True)
    await visitor.types("/settings")
    await expect(visitor.page.locator("#offers li").filter(has_text="/settings")).to_have_count(0)
    await visitor.press("Control+a", "Delete")
    await visitor.becomes("Mo")
    panel = await visitor.uses("settings")
    await expect(panel).to_contain_text("Settings of this server")
    assert await visitor.violations() == []
    await visitor.clicks(panel, "Open threads")
    await expect(panel.get_by_role("button", name="Open threads", exact=True)).to_have_count(0)
    channels = await visitor.opens_select(panel)
    assert await visitor.violations() == []
    await visitor.press("Space", "Enter")
    await expect(panel).to_contain_text("Channels: #papers")
    guild = next(iter(stage.local.world.guilds))
    kept = await stage.bot.services.store.servers.of(guild)
    assert kept.threads
    assert len(kept.channels) == 1
    await expect(channels).to_be_hidden()
    await visitor.opens_select(panel)
    await visitor.press("Space", "Enter")
    await expect(panel).to_contain_text("Channels: all")
    await visitor.clicks(panel, "Do not open threads")  # otherwise the answers below would be in threads
    await expect(panel).to_contain_text("Threads: off")
    await alice_in_papers(visitor)


async def test_a_digest_is_subscribed_to_and_posted_now(visitor: Visitor) -> None:
    await visitor.becomes("Mo")
    await visitor.goes("digest")
    said = await visitor.uses("digest subscribe", topics=TOPICS)
    await expect(said).to_contain_text("Subscribed")
    await visitor.writes_command("digest now", digest="rein")
    offered = visitor.page.get_by_role("option", name="reinforcement learning for robots")
    await expect(offered).to_be_visible()
    assert await visitor.violations() == []
    before = await visitor.page.locator(ANSWER).count()
    await visitor.press("ArrowDown", "Enter", "Enter")
    posted = visitor.page.locator(ANSWER).filter(has_text="New papers on")
    await expect(posted).to_be_attached()
    assert await visitor.page.locator(ANSWER).count() > before
    await expect(posted).to_contain_text("SERL")
    assert await visitor.violations() == []
    await alice_in_papers(visitor)


async def test_what_there_is_to_try_is_written_and_sent_by_enter(visitor: Visitor) -> None:
    before = await visitor.page.locator(ANSWER).count()
    await visitor.tab_to(visitor.page.get_by_role("button", name="A question that no paper is about"))
    await visitor.press("Enter")
    await expect(visitor.page.locator("#composer")).to_have_value(f"@Footnote {UNANSWERED}")
    await visitor.press("Enter")
    await expect(await visitor.answer(before)).to_contain_text("say nothing on that")
    await visitor.tab_to(visitor.page.get_by_role("button", name="Post the digest now"))
    await visitor.press("Enter")
    await expect(visitor.page.locator("#command-name")).to_have_text("/digest now")
    await expect(visitor.page.locator('[data-who="Mo"]')).to_have_attribute("aria-pressed", "true")
    await visitor.press("Escape")
    await alice_in_papers(visitor)


async def test_what_cannot_be_sent_is_said_in_a_sentence(visitor: Visitor) -> None:
    await visitor.tab_to(visitor.page.locator("#composer"), back=True)
    await visitor.types("/nothing")
    await visitor.press("Enter")
    await expect(visitor.page.get_by_role("alert").first).to_have_text("There is no command /nothing here.")
    await visitor.press("Control+a", "Delete")


async def test_the_theme_is_the_systems_until_another_is_chosen(stage: Stage) -> None:
    async with visit(stage.site.address, theme="dark") as visitor:
        root = visitor.page.locator("html")
        await expect(root).to_have_attribute("data-theme", "dark")
        await visitor.tab_to(visitor.page.locator("#theme"))
        await visitor.press("Enter")
        await expect(root).to_have_attribute("data-theme", "light")
        await visitor.page.reload()
        await expect(root).to_have_attribute("data-theme", "light")
