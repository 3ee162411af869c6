from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.errors import WriterError
from bot.llm.meter import Payer, Spent
from bot.store import Budgets, Store, StoreMeter
from bot.store.ledger import NOBODY
from tests.bot.store.kept import ANA, BEN, SERVER

NIGHT = datetime(2026, 3, 14, 23, 59, tzinfo=UTC)
MORNING = NIGHT + timedelta(minutes=2)
OTHER = SERVER + 1
HUNDRED = Spent("answer", "gpt", 90, 10)


def meter_of(store: Store, now: datetime = NIGHT, /, **budgets: int) -> StoreMeter:
    return StoreMeter(store.usage, store.notices, Budgets(**budgets), now=lambda: now)


async def test_without_budgets_nothing_is_ever_used_up(store: Store) -> None:
    meter = meter_of(store)
    await meter.record(Payer(SERVER, ANA), Spent("answer", "gpt", 10**9, 10**9))
    assert await meter.exhausted_budget(Payer(SERVER, ANA)) is None


@pytest.mark.parametrize(
    ("budgets", "payer", "used_up"),
    [
        ({"day": 100}, Payer(SERVER, ANA), "day"),
        ({"day": 100}, Payer(), "day"),
        ({"day": 100}, Payer(OTHER, BEN, exempt=True), "day"),
        ({"day": 101}, Payer(SERVER, ANA), None),
        ({"server": 100}, Payer(SERVER, BEN), "server"),
        ({"server": 100}, Payer(SERVER, BEN, exempt=True), "server"),
        ({"server": 100}, Payer(OTHER, ANA), None),
        ({"server": 100}, Payer(None, ANA), None),
        ({"person": 100}, Payer(OTHER, ANA), "person"),
        ({"person": 100}, Payer(None, ANA), "person"),
        ({"person": 100}, Payer(SERVER, ANA, exempt=True), None),
        ({"person": 100}, Payer(SERVER, BEN), None),
        ({"person": 100}, Payer(SERVER), None),
        ({"day": 100, "server": 100, "person": 100}, Payer(SERVER, ANA), "day"),
    ],
)
async def test_a_budget_that_is_used_up_is_named_for_those_whom_it_limits(
    store: Store, budgets: dict[str, int], payer: Payer, used_up: str | None
) -> None:
    meter = meter_of(store, **budgets)
    assert await meter.exhausted_budget(payer) is None
    await meter.record(Payer(SERVER, ANA), HUNDRED)
    assert await meter.exhausted_budget(payer) == used_up


async def test_a_new_day_has_a_new_budget_in_utc(store: Store) -> None:
    await meter_of(store, day=100).record(Payer(), HUNDRED)
    assert await meter_of(store, day=100).exhausted_budget(Payer()) == "day"
    assert await meter_of(store, MORNING, day=100).exhausted_budget(Payer()) is None
    honolulu = MORNING.astimezone(ZoneInfo("Pacific/Honolulu"))
    assert await meter_of(store, honolulu, day=100).exhausted_budget(Payer()) is None


async def test_a_call_counts_from_its_beginning_on_and_under_the_day_that_it_began(store: Store) -> None:
    meter, payer = meter_of(store, day=90), Payer(SERVER, ANA)
    begun = await meter.begin(payer, Spent("answer", "gpt", 90, 0, estimated=True))
    assert await meter.exhausted_budget(payer) == "day"
    later = meter_of(store, MORNING, day=90)
    await later.record(payer, HUNDRED, begun)
    assert await later.exhausted_budget(payer) is None
    (spending,) = await store.usage.since(NIGHT.date())
    assert (spending.day, spending.calls, spending.estimated, spending.tokens) == (NIGHT.date(), 1, 0, 100)


async def test_whose_budget_is_used_up_is_noted_once_until_somebody_is_told(store: Store) -> None:
    meter = meter_of(store, server=100, person=100)
    await meter.record(Payer(SERVER, ANA), HUNDRED)
    for _ in range(2):
        await meter.exhausted_budget(Payer(SERVER, BEN))
        await meter.exhausted_budget(Payer(OTHER, ANA))
    assert await store.notices.untold(NIGHT.date()) == [SERVER]
    await store.notices.mark_told(NIGHT.date(), SERVER)
    await meter_of(store, server=100).exhausted_budget(Payer(SERVER, BEN))
    assert await store.notices.untold(NIGHT.date()) == []
    await meter_of(store, day=100).exhausted_budget(Payer(SERVER, BEN))
    assert await store.notices.untold(NIGHT.date()) == [NOBODY]
    await store.forget_due(MORNING)
    assert await store.notices.untold(NIGHT.date()) == []


async def test_a_server_forgotten_leaves_no_notice(store: Store) -> None:
    meter = meter_of(store, server=100)
    await meter.record(Payer(SERVER), HUNDRED)
    await meter.exhausted_budget(Payer(SERVER))
    await store.forget_server(SERVER)
    assert await store.notices.untold(NIGHT.date()) == []


async def test_a_store_that_is_away_stops_calls_only_where_there_is_a_budget_and_never_an_answer(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with store._database.writing() as connection:
        await connection.exec_driver_sql("DROP TABLE usage")
    meter = meter_of(store)
    assert await meter.exhausted_budget(Payer()) is None
    assert await meter.begin(Payer(), HUNDRED) is None
    await meter.record(Payer(), HUNDRED)
    assert "a call of 100 tokens could not be counted" in caplog.text
    with pytest.raises(WriterError, match="its budget cannot be read"):
        await meter_of(store, day=100).exhausted_budget(Payer())
