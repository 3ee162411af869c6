"""Five hundred things go wrong while people ask in every way: each gets one answer, or one reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bot.discord.storm import PATIENCE, Storm
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bot.discord.conftest import Online

FAULTS = 500
QUESTIONS = ["does likelihood matter?", "how are agents trained?", "does it scale to images?"]


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord(patience=PATIENCE) as local:
        yield local


async def test_in_a_storm_everything_is_answered_once_or_excused_once(local: LocalDiscord, online: Online) -> None:
    lab = local.guild("Lab")
    channels = [lab.channel(f"papers-{number}") for number in range(8)]
    places = [(lab.member(f"Person {number}"), channels[number % 8]) for number in range(64)]
    async with online():
        report = await Storm(local, 1, FAULTS, QUESTIONS).blow(places)
    assert report.problems == []
    assert sum(report.faults.values()) >= FAULTS
    assert report.ends()[-1] < PATIENCE.total_seconds()
    assert report.longest_away < PATIENCE.total_seconds()
    missed = sum(told.missed and not told.away for told in report.told)  # outages outlast Discord's wait
    assert missed <= len(report.told) / 50
