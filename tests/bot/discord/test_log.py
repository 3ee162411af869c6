"""The log of a real conversation: one trace from the gate to the model and the reply, without anybody's words."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest

from bot.cli.verbosity import CHATTY
from bot.factory import make_answerer, make_meter, open_model
from bot.log import Json, Pretty, begin_trace, write_json
from bot.settings import Settings
from tests.local_llm import LocalLLM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from bot.answering.answerer import Answerer
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from retrieval.library import Library
    from tests.local_discord import Channel, LocalDiscord, Person

KEY = "sk-of-the-test-0123456789"
WORD = "likelihood"
QUESTION = f"does a better one-step {WORD} of a dynamics model mean better control performance?"
TITLE = "Objective Mismatch in Model-based Reinforcement Learning"


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that the root logger writes from debug level on, as JSON."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(Json())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for chatty in CHATTY:  # as with --verbose
        logging.getLogger(chatty).setLevel(logging.INFO)
    yield said
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
async def llm() -> AsyncIterator[LocalLLM]:
    async with LocalLLM(key=KEY) as llm:
        yield llm


@pytest.fixture
def bot_library(seeded: Library) -> Library:
    return seeded


@pytest.fixture
async def answers(bot_library: Library, store: Store, llm: LocalLLM) -> AsyncIterator[Answerer]:
    settings = Settings.load(llm={"base_url": llm.base_url, "api_key": KEY})
    async with open_model(settings, meter=make_meter(settings, store)) as model:
        yield make_answerer(settings, bot_library, model, store)


async def test_a_conversation_is_one_trace_without_words_names_or_secrets(
    log: io.StringIO, local: LocalDiscord, bot: FootnoteBot, papers: Channel, ada: Person, mention: str, llm: LocalLLM
) -> None:
    await bot.wait_until_ready()
    await ada.says(papers, f"{mention} {QUESTION}")
    answer = await papers.wait_for_bot_message()
    await answer.wait_until(lambda message: TITLE in message.text and "Writing" not in message.text)
    await ada.says(papers, f"{mention} and what of otters?")
    await papers.wait_for_bot_message()
    await bot.services.gate.shutdown.drain()
    assert llm.requests

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    traces: dict[str, list[str]] = {}
    for line in lines:
        if "trace" in line:
            traces.setdefault(line["trace"], []).append(line["message"])
    assert len(traces) == 2
    first = next(iter(traces.values()))
    steps = ("admitted question place=message:", "called purpose=answer result=ok", "answered place=message:")
    assert [step for step in steps if any(message.startswith(step) for message in first)] == list(steps)
    text = log.getvalue().casefold()
    for secret in (KEY, local.token, WORD, "otters", TITLE, "Ada", "Lab"):
        assert secret.casefold() not in text


def test_both_kinds_of_lines_have_the_trace_and_an_error_stays_on_its_line() -> None:
    begin_trace()
    wrong = ValueError("wrong")
    info = (type(wrong), wrong, None)
    record = logging.LogRecord("bot.x", logging.WARNING, "x.py", 1, "two\nlines of %s", ("a",), info)
    (line,) = Json().format(record).splitlines()
    said = json.loads(line)
    assert (said["level"], said["logger"], said["message"]) == ("warning", "bot.x", "two\nlines of a")
    assert said["error"].endswith("ValueError: wrong")
    assert Pretty("%(levelname)s %(message)s").format(record).startswith(f"WARNING [{said['trace']}] two")


def test_json_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LOG", "json")
    assert Settings.load().log == "json"
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    others = [(each, each.formatter) for each in logging.getLogger().handlers]
    write_json()
    assert isinstance(handler.formatter, Json)
    for each, formatter in others:
        each.setFormatter(formatter)
    logging.getLogger().removeHandler(handler)
