from __future__ import annotations

import asyncio
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from bot.answering.answer import Draft, Support
from bot.answering.cached import CachedWriter
from bot.answering.evidence.selection import Selection
from bot.errors import BudgetError, WriterError
from bot.llm.meter import Payer, paid_by, payer
from bot.llm.usage import Usage
from bot.store import Store
from retrieval.papers import Evidence, Hit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from bot.answering.outcome import WriterName
    from retrieval.papers import Paper

QUESTION = "What does LoRA freeze?"
ONE = Draft("It freezes “weights” 🧊.", (Support(1, "freezes the weights"), Support(2, "a second quote")))
TWO = Draft("And it adds matrices.", (Support(1, "adds matrices"),))
SPENT = Usage("gpt", 1, 300, 40)


@dataclass
class Scripted:
    """Write two drafts and the usage, each item once the gate is open, and record every payer."""

    name: WriterName = "llm"
    items: tuple[Draft | Usage, ...] = (ONE, TWO, SPENT)
    error: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    payers: list[Payer] = field(default_factory=list)
    stopped: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def write(self, _question: str, _selection: Selection) -> AsyncGenerator[Draft | Usage]:
        self.payers.append(payer())
        self.started.set()
        try:
            for item in self.items:
                await self.gate.wait()
                yield item
            if self.error:
                raise self.error
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped += 1
            raise


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def selection(seeds: list[Paper]) -> Selection:
    return Selection("answered", 1.0, tuple(Hit(paper, 1.0, (), (), Evidence(0, 0, 0, 0, 0)) for paper in seeds[:3]))


async def written(writer: CachedWriter, selection: Selection, question: str = QUESTION) -> list[Draft | Usage]:
    return [item async for item in writer.write(question, selection)]


def held(folder: Path, words: bytes) -> bool:
    return any(words in path.read_bytes() for path in folder.iterdir())


async def test_the_same_question_is_written_once_and_costs_nothing_again_also_after_a_restart(
    store: Store, selection: Selection
) -> None:
    first = Scripted()
    writer = CachedWriter(first, store.drafts, "gpt")
    assert await written(writer, selection) == [ONE, TWO, SPENT]
    assert await written(writer, selection) == [ONE, TWO]
    assert await written(writer, selection, "  what does LoRA\nfreeze? ") == [ONE, TWO]
    assert len(first.payers) == 1
    second = Scripted()
    assert await written(CachedWriter(second, store.drafts, "gpt"), selection) == [ONE, TWO]
    assert second.payers == []


async def test_another_question_paper_text_order_or_recipe_is_written_anew(store: Store, selection: Selection) -> None:
    script = Scripted()
    writer = CachedWriter(script, store.drafts, "gpt")
    await written(writer, selection)
    first, *others = selection.hits
    changed = replace(first, paper=replace(first.paper, abstract=f"{first.paper.abstract} Withdrawn."))
    for count, (hits, question) in enumerate(
        [
            (selection.hits, "What does LoRA not freeze?"),
            ((changed, *others), QUESTION),
            ((*others, first), QUESTION),
            (tuple(others), QUESTION),
        ],
        start=2,
    ):
        await written(writer, replace(selection, hits=hits), question)
        assert len(script.payers) == count
    await written(CachedWriter(script, store.drafts, "another model"), selection)
    assert len(script.payers) == 6


async def test_no_question_is_in_the_store(store: Store, selection: Selection, tmp_path: Path) -> None:
    writer = CachedWriter(Scripted(), store.drafts, "gpt")
    await written(writer, selection, "a telltale question about zebras")
    assert not held(tmp_path, b"zebras")
    assert held(tmp_path, b"adds matrices")


@pytest.mark.parametrize(
    ("items", "error"), [((ONE, SPENT), WriterError("cut the answer off")), ((), None), ((SPENT,), None)]
)
async def test_what_failed_or_is_empty_is_not_kept(
    store: Store, selection: Selection, items: tuple[Draft | Usage, ...], error: Exception | None
) -> None:
    script = Scripted(items=items, error=error)
    writer = CachedWriter(script, store.drafts, "gpt")
    for count in (1, 2):
        came = []
        with pytest.raises(WriterError) if error else nullcontext():
            async for item in writer.write(QUESTION, selection):
                came.append(item)  # noqa: PERF401  # what came before the error is wanted
        assert came == list(items)
        assert len(script.payers) == count


async def test_two_who_ask_at_once_share_one_call_which_the_first_pays(store: Store, selection: Selection) -> None:
    script = Scripted()
    script.gate.clear()
    writer = CachedWriter(script, store.drafts, "gpt")
    with paid_by(Payer(1, 1)):
        first = asyncio.create_task(written(writer, selection))
        await script.started.wait()
    with paid_by(Payer(2, 2)):
        others = [asyncio.create_task(written(writer, selection)) for _ in range(3)]
    await asyncio.sleep(0.05)
    script.gate.set()
    assert await first == [ONE, TWO, SPENT]
    assert await asyncio.gather(*others) == [[ONE, TWO]] * 3
    assert script.payers == [Payer(1, 1)]


async def test_each_draft_is_followed_as_it_comes(store: Store, selection: Selection) -> None:
    script = Scripted()
    writer = CachedWriter(script, store.drafts, "gpt")
    async with aclosing(writer.write(QUESTION, selection)) as first:
        assert await anext(first) == ONE
        script.gate.clear()
        async with aclosing(writer.write(QUESTION, selection)) as second:
            assert await anext(second) == ONE


async def test_a_question_that_is_closed_stops_the_call_unless_another_waits_for_it(
    store: Store, selection: Selection
) -> None:
    script = Scripted()
    script.gate.clear()
    writer = CachedWriter(script, store.drafts, "gpt")
    first, second = (asyncio.create_task(written(writer, selection)) for _ in range(2))
    await script.started.wait()
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.sleep(0.05)
    assert script.stopped == 0
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert script.stopped == 1
    script.gate.set()
    assert await written(writer, selection) == [ONE, TWO, SPENT]


async def test_who_asks_while_a_call_is_being_stopped_is_answered_by_a_new_one(
    store: Store, selection: Selection
) -> None:
    script = Scripted()
    script.gate.clear()
    writer = CachedWriter(script, store.drafts, "gpt")
    first = asyncio.create_task(written(writer, selection))
    await script.started.wait()
    await asyncio.sleep(0.05)
    first.cancel()
    second = asyncio.create_task(written(writer, selection))
    await asyncio.sleep(0.05)
    script.gate.set()
    assert await second == [ONE, TWO, SPENT]


async def test_an_error_reaches_everybody_but_a_budget_is_only_its_own_persons(
    store: Store, selection: Selection
) -> None:
    script = Scripted(error=WriterError("is out of order"))
    script.gate.clear()
    writer = CachedWriter(script, store.drafts, "gpt")
    asking = [asyncio.create_task(written(writer, selection)) for _ in range(2)]
    await asyncio.sleep(0.05)
    script.gate.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(each) for each in outcomes] == ["is out of order"] * 2
    assert len(script.payers) == 1

    class Poor(Scripted):
        async def write(self, question: str, selection: Selection) -> AsyncGenerator[Draft | Usage]:
            if payer().person_id == 1:
                await self.gate.wait()
                self.payers.append(payer())
                raise BudgetError("has used up your budget for today", "person")
            async for item in super().write(question, selection):
                yield item

    poor = Poor()
    poor.gate.clear()
    writer = CachedWriter(poor, store.drafts, "gpt")
    with paid_by(Payer(None, 1)):
        first = asyncio.create_task(written(writer, selection))
        await asyncio.sleep(0.05)
    with paid_by(Payer(None, 2)):
        others = [asyncio.create_task(written(writer, selection)) for _ in range(2)]
    await asyncio.sleep(0.05)
    poor.gate.set()
    with pytest.raises(BudgetError):
        await first
    results = await asyncio.gather(*others)
    assert sorted(map(len, results)) == [2, 3]
    assert poor.payers == [Payer(None, 1), Payer(None, 2)]


async def test_a_kept_text_of_another_version_is_written_anew(store: Store, selection: Selection) -> None:
    script = Scripted()
    writer = CachedWriter(script, store.drafts, "gpt")
    for body in ("no json", "[]", "{}", '[{"text": "x"}]', "[7]"):
        await store.drafts.keep(writer._key(QUESTION, selection), body)
        assert await written(writer, selection) == [ONE, TWO, SPENT]
