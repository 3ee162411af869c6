"""Hostile names, questions and abstracts through the whole bot: nothing pings, and no Markdown escapes its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from local_discord.reading import displayed_text

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.discord.desk import QUESTION_CHARACTERS
from retrieval.papers import Paper
from tests.bot.discord.prepared import done

if TYPE_CHECKING:
    from local_discord import Channel, LocalDiscord

    from retrieval.library import Library

FILE = Path(__file__).parents[2] / "hostile" / "injections.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
ABSTRACTS = [row["text"] for row in ROWS if row["where"] == "abstract"]
QUESTIONS = [row["text"] for row in ROWS if row["where"] == "question"]
NAMES = ["@everyone", "`*_~|[x](https://evil.example)", "<@1> <#2>", "\u202eevil\u200b"]
FACT = "We teach robot number {number} to fold laundry, and it folds {number} towels in an hour."
GOOD_LINK = "https://arxiv.org/abs/"
ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
# Discord's own: what is still special once escapes are gone, outside the links that the bot made.
MENTION = re.compile(r"<(?:@[!&]?|#|/|:|a:|t:|id:)\S*>|@(?:everyone|here)\b")


@pytest.fixture
async def bot_library(library: Library) -> Library:
    papers = [
        Paper(
            f"arxiv:2603.{number:05}",
            f"Folding {number} towels {text[:80]}",
            f"{FACT.format(number=number)} {text}",
            "arxiv",
            f"{GOOD_LINK}2603.{number:05}",
        )
        for number, text in enumerate(ABSTRACTS, start=1)
    ]
    await library.add(papers)
    return library


@pytest.fixture
def answers(bot_library: Library) -> Answerer:
    return Answerer(bot_library, ExtractiveWriter(bot_library.embedder))


@pytest.mark.usefixtures("bot")
async def test_nothing_hostile_comes_out_of_the_whole_bot(
    papers: Channel, local: LocalDiscord, mention: str, bot_library: Library
) -> None:
    people = [local.guild("Lab").member(name) for name in NAMES]
    for number, text in enumerate(QUESTIONS):
        person = people[number % len(people)]
        question = f"{text} {people[0].mention} {FACT.format(number=number + 1)}"[:QUESTION_CHARACTERS]
        used = await person.uses_command(papers, "ask", question=question)
        answer = await used.finished(done)
        quotes = [part for part in answer.parts() if str(part.get("custom_id")).startswith("footnote:quotes")]
        if quotes:
            await (await person.clicks(answer, quotes[0]["custom_id"])).response()
        said = await person.says(papers, f"{mention} {question}"[:QUESTION_CHARACTERS])
        await (await papers.wait_for_bot_message(lambda message, said=said: message.reply_to is said)).wait_until(done)
        await (await person.uses_command(papers, "search", query=question[:100])).finished()
    spoken = local.spoken()
    assert len(spoken) >= 3 * len(QUESTIONS)
    for message in spoken:
        assert not message.pings
        shown = displayed_text(message.components)
        assert not MENTION.search(ESCAPED.sub("", shown))
        assert [url for url in message.links if not url.startswith(GOOD_LINK)] == []
        assert shown.count("```") == 0
