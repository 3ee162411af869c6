"""Draw the README's pictures from what Footnote really answers over seeds/: the terminal's and Discord's.

    uv run python docs/make_pictures.py

Discord's picture is drawn from the bot's own payload, the Markdown of its text displays rendered as HTML in an SVG.
"""

from __future__ import annotations

import asyncio
import html
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord
from markdown_it import MarkdownIt
from rich.console import Console

from bot.console import show_answer
from bot.discord.answers.answer_card import cards
from bot.discord.papers.paper_card import PAGE_PAPERS, search_page
from bot.settings import Settings
from bot.wiring import open_answerer, open_library, take_in

if TYPE_CHECKING:
    from discord import ui

    from bot.answering.answer import Answer

PICTURES = Path(__file__).parent / "pictures"
ASKED = "has anyone shown that a better one-step likelihood doesn't actually give you a better controller?"
UNANSWERED = "which robot hand has the most fingers and what does it cost?"
SEARCHED = "agents that use a computer like people do"
WIDTH = 720  # pixels
STYLE = """
.card { font: 15px/1.4 'gg sans', 'Noto Sans', Helvetica, Arial, sans-serif; color: #dbdee1; background: #313338;
  padding: 16px; width: 688px; }
.who { color: #f2f3f5; font-weight: 600; margin-bottom: 4px; } .who small { background: #5865f2; color: #fff;
  border-radius: 3px; padding: 1px 4px; font-size: 10px; vertical-align: 2px; }
.container { background: #2b2d31; border-radius: 8px; padding: 12px 16px; border-left: 4px solid COLOUR; }
.container p { margin: 4px 0; } hr { border: 0; border-top: 1px solid #3f4147; margin: 10px 0; }
blockquote { margin: 2px 0; padding-left: 10px; border-left: 4px solid #4e5058; } a { color: #00a8fc;
  text-decoration: none; } .small { color: #949ba4; font-size: 12px; } ul { margin: 4px 0; padding-left: 20px; }
.row { margin-top: 8px; } .button { display: inline-block; border-radius: 8px; padding: 4px 14px; margin: 0 8px 6px 0;
  font-size: 14px; font-weight: 500; color: #fff; background: #4e5058; } .style1 { background: #5865f2; }
  .disabled { opacity: .5; } .section { display: flex; gap: 12px; align-items: flex-start;
  justify-content: space-between; } .section .row { margin-top: 4px; }
"""
LINE = 84  # characters of a line of text, about


async def main() -> None:
    """Answer two questions, search, and draw what is shown."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(data_dir=Path(folder))
        async with open_library(settings) as library, open_answerer(settings, library, use_llm=False) as answerer:
            await take_in(library)
            answer, refusal = await answerer.answer(ASKED), await answerer.answer(UNANSWERED)
            hits = await library.search(SEARCHED, limit=2 * PAGE_PAPERS)
    pages = -(-len(hits) // PAGE_PAPERS)
    drawn = {
        "terminal-answer": terminal(ASKED, answer),
        "discord-answer": discord_message(f"@Footnote {ASKED}", cards(answer, "picture")[0]),
        "discord-refusal": discord_message(f"@Footnote {UNANSWERED}", cards(refusal, "picture")[0]),
        "discord-search": discord_message(
            f"/search query: {SEARCHED}", search_page(hits[:PAGE_PAPERS], SEARCHED, 0, pages, "picture")
        ),
    }
    for name, picture in drawn.items():
        (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


def terminal(question: str, answer: Answer) -> str:
    """Return what the terminal shows, as an SVG."""
    with tempfile.TemporaryFile("w") as nowhere:
        console = Console(record=True, width=100, file=nowhere, force_terminal=True, highlight=False, markup=False)
        console.print(f'$ uv run footnote ask "{question}"\n')
        show_answer(answer, console)
        # A picture in a README fetches nothing: without the fonts of rich's own, the reader's monospace serves.
        return re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="footnote ask"), flags=re.DOTALL)


def discord_message(said: str, view: ui.LayoutView) -> str:
    """Return what somebody said and the bot's message below it, as an SVG."""
    components: list[dict[str, Any]] = view.to_components()
    body = "".join(map(_component, components))
    asked = f'<div class="who">alice</div><p>{html.escape(said)}</p>'
    who = '<div class="who">Footnote <small>APP</small></div>'
    page = f'<div xmlns="http://www.w3.org/1999/xhtml" class="card">{asked}{who}{body}</div>'
    height = 100 + sum(map(_height, components))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">'
        f"<style>{STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#313338"/>'
        f'<foreignObject width="100%" height="100%">{page}</foreignObject></svg>'
    )


def _component(part: dict[str, Any]) -> str:
    kind = discord.ComponentType(part["type"])
    inside = "".join(map(_component, part.get("components", ())))
    if kind is discord.ComponentType.container:
        colour = f"#{part.get('accent_color') or 0x1E1F22:06x}"
        return f'<div class="container" style="border-left-color: {colour}">{inside}</div>'
    if kind is discord.ComponentType.section:
        return f'<div class="section"><div>{inside}</div>{_component(part["accessory"])}</div>'
    if kind is discord.ComponentType.action_row:
        return f'<div class="row">{inside}</div>'
    if kind is discord.ComponentType.button:
        emoji = (part.get("emoji") or {}).get("name") or ""
        label = html.escape(" ".join(filter(None, (emoji, part.get("label")))))
        disabled = " disabled" if part.get("disabled") else ""
        return f'<span class="button style{part["style"]}{disabled}">{label}</span>'
    if kind is discord.ComponentType.separator:
        return "<hr/>"
    # Discord's small print, which begins a line with -#, is not in any Markdown library.
    rendered = MarkdownIt("commonmark", {"xhtmlOut": True, "breaks": True, "html": False}).render(part["content"])
    return re.sub(r"-# (.*?)(?=<br />|</p>)", r'<span class="small">\1</span>', rendered)


def _height(part: dict[str, Any]) -> int:
    """Return about how many pixels a component takes."""
    inside = sum(map(_height, part.get("components", ())))
    match discord.ComponentType(part["type"]):
        case discord.ComponentType.text_display:
            shown = re.sub(r"\]\(.*?\)", "", part["content"])
            return 10 + sum(22 * (1 + len(line) // LINE) for line in shown.split("\n"))
        case discord.ComponentType.action_row:
            labels = sum(6 + len(each.get("label") or "") for each in part["components"])
            return 8 + 42 * (1 + labels // LINE)
        case discord.ComponentType.separator:
            return 22
        case discord.ComponentType.container:
            return inside + 24
        case _:
            return inside


if __name__ == "__main__":
    asyncio.run(main())
