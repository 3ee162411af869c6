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

from markdown_it import MarkdownIt
from rich.console import Console

from bot.console import show_answer
from bot.discord.render import cards
from bot.settings import Settings
from bot.wiring import open_answerer, open_library, take_in

if TYPE_CHECKING:
    from bot.answering.answer import Answer

PICTURES = Path(__file__).parent / "pictures"
ASKED = "has anyone shown that a better one-step likelihood doesn't actually give you a better controller?"
UNANSWERED = "what is the capital of Australia?"
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
"""


async def main() -> None:
    """Answer two questions and draw what is shown."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(data_dir=Path(folder))
        async with open_library(settings) as library, open_answerer(settings, library, use_llm=False) as answerer:
            await take_in(library)
            answer, refusal = await answerer.answer(ASKED), await answerer.answer(UNANSWERED)
    (PICTURES / "terminal-answer.svg").write_text(terminal(ASKED, answer), encoding="utf-8")
    (PICTURES / "discord-answer.svg").write_text(discord_card(ASKED, answer), encoding="utf-8")
    (PICTURES / "discord-refusal.svg").write_text(discord_card(UNANSWERED, refusal), encoding="utf-8")


def terminal(question: str, answer: Answer) -> str:
    """Return what the terminal shows, as an SVG."""
    with tempfile.TemporaryFile("w") as nowhere:
        console = Console(record=True, width=100, file=nowhere, force_terminal=True, highlight=False, markup=False)
        console.print(f'$ uv run footnote ask "{question}"\n')
        show_answer(answer, console)
        # A picture in a README fetches nothing: without the fonts of rich's own, the reader's monospace serves.
        return re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="footnote ask"), flags=re.DOTALL)


def discord_card(question: str, answer: Answer) -> str:
    """Return the first message of the bot's reply, as an SVG."""
    payload: list[dict[str, Any]] = cards(answer)[0].to_components()
    container = payload[0]
    colour = f"#{container['accent_color']:06x}"
    body = "".join(_component(part) for part in container["components"])
    asked = f'<div class="who">alice</div><p>@Footnote {html.escape(question)}</p>'
    who = '<div class="who">Footnote <small>APP</small></div>'
    card = f'{asked}{who}<div class="container">{body}</div>'
    page = f'<div xmlns="http://www.w3.org/1999/xhtml" class="card">{card}</div>'
    height = 190 + sum(24 * (1 + len(part.get("content", "")) // 78) + 18 for part in container["components"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">'
        f"<style>{STYLE.replace('COLOUR', colour)}</style>"
        f'<rect width="100%" height="100%" fill="#313338"/>'
        f'<foreignObject width="100%" height="100%">{page}</foreignObject></svg>'
    )


def _component(part: dict[str, Any]) -> str:
    if "content" not in part:
        return "<hr/>"
    rendered = MarkdownIt("commonmark", {"xhtmlOut": True, "breaks": True, "html": False}).render(part["content"])
    return re.sub(r"-# (.*?)(?=<br />|</p>)", r'<span class="small">\1</span>', rendered)


if __name__ == "__main__":
    asyncio.run(main())
