from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.store import ServerSettings
from tests.bot.store.kept import ANA, NOW, SERVER

if TYPE_CHECKING:
    from bot.store import Store
    from tests.bot.store.conftest import Place

CHOSEN = ServerSettings(
    prefix="¿?",
    channels=frozenset({2**63 - 1, 5}),
    roles=frozenset({2**62}),
    private=True,
    threads=True,
    language="de",
    digest_hour=23,
    digest_zone="Asia/Kolkata",
)


async def test_a_server_has_the_defaults_until_something_is_set(store: Store) -> None:
    assert await store.servers.of(SERVER) == ServerSettings()
    await store.servers.save(SERVER, CHOSEN)
    assert await store.servers.of(SERVER) == CHOSEN
    assert await store.servers.of(SERVER + 1) == ServerSettings()


async def test_settings_outlive_a_restart_and_the_last_ones_stand(place: Place) -> None:
    store = await place.open()
    await store.servers.save(SERVER, CHOSEN)
    await store.servers.save(SERVER, replace(CHOSEN, prefix="?", channels=frozenset()))
    await store.close()
    store = await place.open()
    assert await store.servers.of(SERVER) == replace(CHOSEN, prefix="?", channels=frozenset())
    await store.close()


async def test_what_is_saved_while_it_is_read_is_not_lost(store: Store) -> None:
    await asyncio.gather(
        *(store.servers.of(SERVER) for _ in range(5)),
        store.servers.save(SERVER, CHOSEN),
        *(store.servers.of(SERVER) for _ in range(5)),
    )
    assert await store.servers.of(SERVER) == CHOSEN


async def test_a_server_that_the_bot_left_is_forgotten_after_thirty_days(store: Store) -> None:
    await store.servers.save(SERVER, CHOSEN)
    await store.threads.own(2**62, SERVER, ANA)
    await store.servers.mark_left(SERVER, NOW)
    await store.servers.mark_left(SERVER, NOW + timedelta(days=20))  # reported again at a start
    assert await store.forget_due(NOW + timedelta(days=29)) == 0
    assert await store.servers.of(SERVER) == CHOSEN
    assert await store.forget_due(NOW + timedelta(days=31)) == 2
    assert await store.servers.of(SERVER) == ServerSettings()
    assert not await store.threads.is_own(2**62)


async def test_a_server_joined_again_in_time_keeps_everything(store: Store) -> None:
    await store.servers.save(SERVER, CHOSEN)
    await store.servers.mark_left(SERVER, NOW)
    await store.servers.mark_joined(SERVER)
    assert await store.forget_due(NOW + timedelta(days=31)) == 0
    assert await store.servers.of(SERVER) == CHOSEN
    await store.servers.mark_left(SERVER, NOW + timedelta(days=40))
    assert await store.forget_due(NOW + timedelta(days=60)) == 0


async def test_the_bots_own_threads_are_known_after_a_restart(place: Place) -> None:
    store = await place.open()
    await store.threads.own(2**62, SERVER, ANA)
    await store.threads.own(2**62, SERVER, ANA)
    assert await store.threads.is_own(2**62)
    await store.close()
    store = await place.open()
    assert await store.threads.is_own(2**62)
    assert not await store.threads.is_own(2**62 + 1)
    await store.close()
