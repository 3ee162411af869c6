from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bot.commands.demo import open_demo, take_in_as_news
from bot.factory import open_library
from bot.settings import Settings
from tests.demo.visitor import browser, visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.discord.stage import Stage
    from tests.demo.visitor import Visitor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> AsyncIterator[Stage]:
    """The demo over a library of seeds/, all of them on today's list."""
    if browser() is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    data, memory = tmp_path_factory.mktemp("demo") / "data", tmp_path_factory.mktemp("memory")
    shutil.copytree(seeded_dir, data, symlinks=True)
    settings = Settings.load(data_dir=data)
    async with open_library(settings) as library:
        await take_in_as_news(library)
    async with open_demo(settings, memory, configured=True) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visitor(stage: Stage) -> AsyncIterator[Visitor]:
    """Somebody at the page, who starts as Alice in #papers and continues where the previous test stopped."""
    async with visit(stage.site.address) as visitor:
        yield visitor
