"""Draw the README's pictures from what Footnote really answers over seeds/: the terminal's and Discord's.

    uv run python docs/make_pictures.py

People ask and use commands on a local Discord, to which the real bot is connected. What it posts there is written as
HTML and photographed, light and dark, by Chromium or Chrome, whichever is on the PATH. For the digest the papers of
seeds/, which have no dates, come in as if a list had them today.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops
from rich.console import Console

from bot.console import show_answer
from bot.discord.client import FootnoteBot
from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.services import make_services
from bot.settings import Settings
from bot.store import Store
from bot.wiring import open_answerer, open_library, take_in
from docs.discord_page import Said, page
from retrieval.sources import SEEDS, open_source
from retrieval.sources.fetched import Fetched
from tests.local_discord import LocalDiscord
from tests.papers import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.answering.answer import Answer
    from tests.local_discord import Channel, Interaction, Message, Person

ROOT: Final = Path(__file__).parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1.5",
)
WIDTH, TALLEST = 720, 2400  # pixels of the page
COLOURS: Final = 128  # of a picture, which keeps it small
MARGIN: Final = 12  # pixels below what is shown

ASKED: Final = "has anyone shown that a better one-step likelihood doesn't actually give you a better controller?"
CLOSEST: Final = "how do transformers store facts about dates?"
UNANSWERED: Final = "which sourdough starter rises fastest?"
LIST: Final = "which papers are about robots?"
COMPARED: Final = ("Game On: Towards Language Models as RL", "Robot Fine-Tuning Made Easy")
SEARCHED: Final = "agents that use a computer like people do"
TOPICS: Final = "reinforcement learning for robots; image generation"


@dataclass
class Clock:
    """The clock of the digests, which can be put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Return the moment that it shows."""
        return datetime.now(UTC) + self.ahead


async def main() -> None:
    """Ask, use commands, and draw what is shown."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"No browser to draw with: install Chromium or Chrome, so that one of {', '.join(BROWSERS)} is found.")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(data_dir=Path(folder))
        async with open_library(settings) as library, open_answerer(settings, library, use_llm=False) as answerer:
            await take_in(library)
            answer = await answerer.answer(ASKED)
            (PICTURES / "terminal-answer.svg").write_text(terminal(ASKED, answer), encoding="utf-8")
            store = await Store.open(Path(folder))
            clock = Clock()
            async with LocalDiscord(message_content=True) as local:
                bot = FootnoteBot(
                    make_services(answerer, library, store),
                    CommandsFile(Path(folder) / FILE_NAME),
                    message_content=True,
                    now=clock,
                    connector=local.connector(),
                    guild_ready_timeout=0.1,
                )
                scenes = [scene async for scene in _played(local, bot, clock)]
            await store.close()
    for name, said in scenes:
        for theme in ("light", "dark"):
            await asyncio.to_thread(photograph, browser, page(said, theme), PICTURES / f"discord-{name}-{theme}.png")


async def _played(local: LocalDiscord, bot: FootnoteBot, clock: Clock) -> AsyncIterator[tuple[str, list[Said]]]:
    """Run the bot and yield what people see of it, by the names of the pictures."""
    lab = local.guild("Reading Group")
    channel, alice, mo = lab.channel("papers"), lab.member("alice"), lab.member("mo", "manage_guild")
    lab.role("readers")
    async with bot:
        running = asyncio.create_task(bot.start(local.token))
        await local.ready()
        asked, answer = await _mentioned(local, channel, alice, ASKED)
        yield "answer", [asked, replace(answer, opened=True)]
        yield "closest", await _mentioned(local, channel, alice, CLOSEST)
        yield "refusal", await _mentioned(local, channel, alice, UNANSWERED)
        yield "list", await _mentioned(local, channel, alice, LIST)
        titles = dict(zip(("first", "second"), COMPARED, strict=True))
        yield "comparison", await _used(alice, channel, "compare", **titles)
        yield "search", await _used(alice, channel, "search", query=SEARCHED)
        yield "help", await _used(alice, channel, "help")
        yield "settings", await _used(mo, channel, "settings")
        yield "digest", await _digest(bot, clock, mo, lab.channel("digest"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _mentioned(local: LocalDiscord, channel: Channel, person: Person, question: str) -> list[Said]:
    asked = await person.says(channel, f"{local.bot.mention} {question}")
    answer = await channel.wait_for_bot_message(lambda message: message.reply_to is asked)
    await answer.wait_until(lambda message: " …" not in message.text.split("\n")[-1])
    return [Said(person.name, f"@{local.bot.name} {question}"), _shown(local.bot.name, answer)]


async def _used(person: Person, channel: Channel, command: str, **options: str) -> list[Said]:
    use: Interaction = await person.uses_command(channel, command, **options)
    answer = await use.finished(lambda message: not message.text.endswith(" …"))
    return [Said(person.name, command=command), _shown(use.world.bot.name, answer)]


async def _digest(bot: FootnoteBot, clock: Clock, person: Person, channel: Channel) -> list[Said]:
    """Subscribe, let papers come in as if they were of today, and post what is due."""
    await (await person.uses_command(channel, "digest subscribe", topics=TOPICS, papers=4)).finished()
    (kept,) = await bot.services.store.subscriptions.of_place(channel.id)
    now = datetime.now(UTC)
    papers = [replace(paper, source="huggingface", published=now.date()) for paper in plain(open_source(SEEDS).papers)]
    await bot.services.library.add([Fetched(paper, listed=now.date()) for paper in papers])
    clock.ahead = kept.next_due_at - now + timedelta(minutes=1)
    await bot.deliverer.tick()
    return [_shown(bot.user.name if bot.user else "", await channel.wait_for_bot_message())]


def _shown(name: str, message: Message) -> Said:
    return Said(name, components=message.components, is_bot=True, alone=message.ephemeral)


def terminal(question: str, answer: Answer) -> str:
    """Return what the terminal shows, as an SVG."""
    with tempfile.TemporaryFile("w") as nowhere:
        console = Console(record=True, width=100, file=nowhere, force_terminal=True, highlight=False, markup=False)
        console.print(f'$ uv run footnote ask "{question}"\n')
        show_answer(answer, console)
        # A picture in a README fetches nothing: without the fonts of rich's own, the reader's monospace serves.
        return re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="footnote ask"), flags=re.DOTALL)


def photograph(browser: str, html: str, file: Path) -> None:
    """Have a page photographed, and cut the picture where the page ends."""
    with tempfile.TemporaryDirectory() as folder:
        shown, taken = Path(folder) / "page.html", Path(folder) / "page.png"
        shown.write_text(html, encoding="utf-8")
        command = [browser, *OPTIONS, f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{TALLEST}"]
        subprocess.run(
            [*command, f"--screenshot={taken}", shown.as_uri()], check=True, capture_output=True, timeout=120
        )
        whole = Image.open(taken).convert("RGB")
    nothing = Image.new("RGB", whole.size, whole.getpixel((0, whole.height - 1)))
    bottom = (ImageChops.difference(whole, nothing).getbbox() or (0, 0, 0, whole.height))[3]
    cut = whole.crop((0, 0, whole.width, min(bottom + MARGIN, whole.height)))
    cut.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
