"""Draw the pictures in the README and docs/ from what Footnote really answers over seeds/.

    uv run python docs/make_pictures.py

A visitor walks through `footnote demo` in Chromium or Chrome, whichever is on the PATH, and each stop is photographed,
light and dark. What the terminal shows becomes an SVG.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image
from playwright.async_api import expect
from rich.console import Console

from bot.commands.demo import open_demo, take_in_as_news
from bot.console import show_answer
from bot.discord.stage import ASKED, CLOSEST, LISTED, MODERATOR, SEARCHED, TOPICS, UNANSWERED
from bot.factory import open_answerer, open_library
from bot.settings import Settings
from tests.demo.visitor import ANSWER, BROWSERS, SET_THEME, browser, visit
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import FloatRect, Locator

    from tests.demo.visitor import Visitor

PICTURES: Final = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH, TALLEST = 720, 2600  # pixels of a page that shows only messages
COLOURS: Final = 128  # per picture, which keeps it small
MARGIN: Final = 8  # pixels beside and below what is shown
COMPARED: Final = ("Game On: Towards Language Models as RL", "Robot Fine-Tuning Made Easy")
# Two ways to see the page: as a visitor does, or its messages alone.
BARE: Final = """bare => {
  for (const each of document.querySelectorAll('.top, .places, .place, .tries, .saying, .typing'))
    each.style.display = bare ? 'none' : '';
  document.querySelector('.sides').style.gridTemplateColumns = bare ? '1fr' : '';
  document.querySelector('.log').style.visibility = bare && document.querySelector('dialog[open]') ? 'hidden' : '';
}"""
UNTOUCHED: Final = "() => document.activeElement.blur()"


async def main() -> None:
    """Walk through the demo, and draw all pictures."""
    if browser() is None:
        sys.exit(f"No browser to draw with: install Chromium or Chrome, so that one of {', '.join(BROWSERS)} is found.")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(data_dir=Path(folder) / "library")
        no_model = settings.llm.model_copy(update={"api_key": None, "base_url": None})
        settings = settings.model_copy(update={"llm": no_model})
        async with open_library(settings) as library, open_answerer(settings, library) as answerer:
            await take_in_as_news(library)
            answer = await answerer.answer(ASKED)
        drawn = terminal(f'ask "{ASKED}"', lambda console: show_answer(answer, console))
        (PICTURES / "terminal-answer.svg").write_text(drawn, encoding="utf-8")
        said = await set_up(Path(folder))
        drawn = terminal("setup --token - --llm none --ingest seeds", lambda console: console.print(said))
        (PICTURES / "terminal-setup.svg").write_text(drawn, encoding="utf-8")
        async with (
            open_demo(settings, Path(folder), configured=True) as stage,
            visit(stage.site.address, width=WIDTH, height=TALLEST) as visitor,
        ):
            await questions(visitor)
            await commands(visitor)
            await digest(visitor)


async def set_up(folder: Path) -> str:
    """Run `footnote setup` with a token that a local Discord accepts, and capture what it prints."""
    async with LocalDiscord() as local:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "setup", "--token", "-", "--llm", "none", "--ingest", "seeds"),
            cwd=folder,
            env=os.environ
            | {
                "PYTHONPATH": str(PICTURES.parents[1]),
                "SSL_CERT_FILE": str(local.ca_file),
                "FOOTNOTE_DISCORD__PROXY": local.proxy_url,
                "UV_RUN_RECURSION_DEPTH": "1",
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(f"{local.token}\n".encode())
    if process.returncode:
        sys.exit(f"footnote setup: {said.decode()}")
    return said.decode().replace(str(folder), "/home/alice/footnote").strip()


async def questions(visitor: Visitor) -> None:
    """Photograph answers, and what can be done with one."""
    answer = await visitor.says(f"@Footnote {ASKED}")
    await page(visitor)
    await visitor.opens_select(answer)
    await photograph("answer", visitor, await asked(visitor), answer)
    await visitor.press("Escape")
    for name, question in (("closest", CLOSEST), ("refusal", UNANSWERED), ("list", LISTED)):
        answer = await visitor.says(f"@Footnote {question}")
        await photograph(name, visitor, await asked(visitor), answer)
    answer = await visitor.says(f"@Footnote {ASKED}")
    await visitor.clicks(answer, "👎")
    await visitor.types("It leaves out what to do about it.")
    await photograph("form", visitor, visitor.page.get_by_role("dialog"))
    await visitor.press("Escape")
    await visitor.chooses(answer, "Continue in a thread")
    await visitor.tab_to(visitor.page.locator("#places .thread"))
    await visitor.press("Enter")
    await expect(visitor.page.locator("#place")).to_contain_text("has anyone shown")
    await visitor.has_looked()
    answer = await visitor.says("and on which tasks?")
    await photograph("thread", visitor, visitor.page.locator(".message").first, answer)
    await visitor.goes("papers")


async def commands(visitor: Visitor) -> None:
    """Photograph what commands show."""
    first, second = COMPARED
    await photograph("comparison", visitor, await visitor.uses("compare", first=first, second=second))
    found = await visitor.uses("search", query=SEARCHED)
    await photograph("search", visitor, found)
    await photograph("help", visitor, await visitor.uses("help"))
    await visitor.becomes(MODERATOR)
    await photograph("settings", visitor, await visitor.uses("settings"))


async def digest(visitor: Visitor) -> None:
    """Photograph a subscription, and its digest."""
    await visitor.goes("digest")
    await photograph("subscribe", visitor, await visitor.uses("digest subscribe", topics=TOPICS))
    await visitor.writes_command("digest now", digest="rein")
    await expect(visitor.page.locator("#option-digest-offers li")).to_have_count(1)
    await visitor.press("ArrowDown", "Enter", "Enter")
    posted = visitor.page.locator(ANSWER).filter(has_text="New papers on")
    await expect(posted).to_be_attached()
    await visitor.settled(posted)
    await photograph("digest", visitor, posted)


async def asked(visitor: Visitor) -> Locator:
    """Find the latest message that a person wrote."""
    return visitor.page.locator(".message:not(.bot)").last


async def page(visitor: Visitor) -> None:
    """Photograph the whole page of the demo."""
    await visitor.page.set_viewport_size({"width": 1200, "height": 800})
    for theme in ("light", "dark"):
        await visitor.page.evaluate(SET_THEME, theme)
        save(await visitor.page.screenshot(), f"demo-{theme}")
    await visitor.page.set_viewport_size({"width": WIDTH, "height": TALLEST})


async def photograph(name: str, visitor: Visitor, first: Locator, last: Locator | None = None) -> None:
    """Photograph the page from one element to another, without its surroundings."""
    await visitor.page.evaluate(BARE, arg=True)
    if await visitor.page.locator("[role=listbox]:focus, dialog:focus-within").count() == 0:
        await visitor.page.evaluate(UNTOUCHED)
    area = await around(visitor, first, last or first)
    for theme in ("light", "dark"):
        await visitor.page.evaluate(SET_THEME, theme)
        save(await visitor.page.screenshot(clip=area), f"discord-{name}-{theme}")
    await visitor.page.evaluate(BARE, arg=False)


async def around(visitor: Visitor, first: Locator, last: Locator) -> FloatRect:
    """Measure the page from the top of one element to the bottom of another, or of an open list."""
    await last.scroll_into_view_if_needed()
    above, below = await first.bounding_box(), await last.bounding_box()
    assert above
    assert below
    bottom = below["y"] + below["height"]
    opened: Any = visitor.page.locator("[role=listbox]:focus")
    if await opened.count():
        box = await opened.bounding_box()
        bottom = max(bottom, box["y"] + box["height"])
    left, right = min(above["x"], below["x"]), max(above["x"] + above["width"], below["x"] + below["width"])
    top = above["y"]
    return {"x": max(left - MARGIN, 0), "y": top, "width": right - left + 2 * MARGIN, "height": bottom + MARGIN - top}


def save(taken: bytes, name: str) -> None:
    """Write a picture with few colours, so that the file is small."""
    whole = Image.open(io.BytesIO(taken)).convert("RGB")
    whole.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


def terminal(typed: str, show: Callable[[Console], None]) -> str:
    """Draw what the terminal shows for a command, as an SVG."""
    with tempfile.TemporaryFile("w") as nowhere:
        console = Console(record=True, width=100, file=nowhere, force_terminal=True, highlight=False, markup=False)
        console.print(f"$ uv run footnote {typed}\n")
        show(console)
        # A picture in a README must fetch nothing, so rich's web fonts give way to the reader's own monospace.
        drawn = console.export_svg(title=f"footnote {typed.split(maxsplit=1)[0]}")
        return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    asyncio.run(main())
