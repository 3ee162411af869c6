"""How `footnote run` starts and stops the bot."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from pydantic import SecretStr

from bot.discord.connection.command_sync import FILE_NAME, CommandsFile
from bot.discord.connection.login import require_token
from bot.discord.footnote_bot import FootnoteBot
from bot.discord.lifecycle import run_bot, serve
from bot.discord.services import Services, make_services
from bot.errors import DiscordStartError
from bot.settings import DiscordSettings, Settings
from local_discord.transport import EveryHostIsLocal
from tests.bot.discord.prepared import TITLE, PreparedAnswers, done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.store import Store
    from retrieval.library import Library
    from tests.local_discord import LocalDiscord


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.fixture
def services(answers: PreparedAnswers, library: Library, store: Store) -> Services:
    return make_services(answers, library, store)


@asynccontextmanager
async def serving(local: LocalDiscord, bot: FootnoteBot) -> AsyncIterator[asyncio.Task[None]]:
    running = asyncio.create_task(serve(bot, local.token))
    try:
        await local.ready()
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_answer_in_flight_finish_and_then_ends_the_bot(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot], answers: PreparedAnswers, number: signal.Signals
) -> None:
    ada = local.guild().member("Ada")
    async with serving(local, make_bot()) as running:
        answers.released.clear()
        await ada.dms("in time?")
        await answers.were_asked()
        signal.raise_signal(number)
        await local.taken_in()
        assert not running.done()
        answers.released.set()
        assert TITLE in (await (await ada.dm.wait_for_bot_message()).wait_until(done)).text
        async with asyncio.timeout(5):
            await running


async def test_a_second_signal_ends_the_bot_at_once(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot], answers: PreparedAnswers
) -> None:
    ada = local.guild().member("Ada")
    async with serving(local, make_bot()) as running:
        answers.released.clear()
        await ada.dms("in time?")
        await answers.were_asked()
        signal.raise_signal(signal.SIGTERM)
        await local.taken_in()
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await running
    assert not any(map(done, ada.dm.bot_messages))
    answers.released.set()


async def test_signals_are_left_alone_after_the_bot_ended(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
) -> None:
    async with serving(local, make_bot()) as running:
        signal.raise_signal(signal.SIGTERM)
        await running
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("token", [None, " ", "Bot abc.def", '"abc.def"', "abc\ndef"])
def test_without_a_usable_token_the_sentence_says_where_to_get_one(tmp_path: Path, token: str | None) -> None:
    settings = Settings(data_dir=tmp_path, discord=DiscordSettings(token=SecretStr(token) if token else None))
    with pytest.raises(DiscordStartError, match="FOOTNOTE_DISCORD__TOKEN") as caught:
        require_token(settings)
    assert "https://discord.com/developers/applications" in str(caught.value)
    assert "abc" not in str(caught.value)


async def test_a_refused_token_is_said_in_a_sentence_without_the_token(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
) -> None:
    with pytest.raises(DiscordStartError, match=r"refused the bot token \(401\)") as caught:
        await serve(make_bot(), "some.other.token")
    assert "some.other" not in str(caught.value)


async def test_a_missing_intent_names_the_switch_in_the_portal(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
) -> None:
    async with serving(local, make_bot()) as running:
        await local.gateway.drop(4014)
        with pytest.raises(DiscordStartError, match="Message Content Intent") as caught:
            await running
    assert "FOOTNOTE_DISCORD__MESSAGE_CONTENT" in str(caught.value)


async def test_the_intent_that_the_portal_does_not_allow_is_named_at_the_start(
    local: LocalDiscord, services: Services, tmp_path: Path
) -> None:
    file = CommandsFile(tmp_path / FILE_NAME)
    bot = FootnoteBot(services, file, message_content=True, connector=local.connector())
    with pytest.raises(DiscordStartError, match="Message Content Intent"):
        await asyncio.wait_for(serve(bot, local.token), 20)


@pytest.mark.parametrize(("code", "words"), [(4004, "no longer accepts the bot token"), (4011, "code 4011")])
async def test_a_connection_closed_for_good_ends_the_bot_with_a_sentence(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot], code: int, words: str
) -> None:
    async with serving(local, make_bot()) as running:
        await local.gateway.drop(code)
        with pytest.raises(DiscordStartError, match=words):
            await running


async def test_an_outage_later_on_is_survived(local: LocalDiscord, make_bot: Callable[[], FootnoteBot]) -> None:
    ada = local.guild().member("Ada")
    async with serving(local, make_bot()):
        await local.drop()
        await ada.dms("does it scale?")
        assert TITLE in (await (await ada.dm.wait_for_bot_message()).wait_until(done)).text


async def test_a_login_that_discord_refuses_otherwise_is_said_with_its_status(
    local: LocalDiscord, make_bot: Callable[[], FootnoteBot]
) -> None:
    local.fail_next("GET /users/@me", status=403, code=40333)
    with pytest.raises(DiscordStartError, match="HTTP 403"):
        await serve(make_bot(), local.token)


async def test_an_unreachable_discord_is_said_in_a_sentence(
    services: Services, tmp_path: Path, closed_port: int
) -> None:
    resolver = EveryHostIsLocal(closed_port)
    bot = FootnoteBot(services, CommandsFile(tmp_path / FILE_NAME), connector=aiohttp.TCPConnector(resolver=resolver))
    with pytest.raises(DiscordStartError, match=r"cannot be reached \(discord.com: .*FOOTNOTE_DISCORD__PROXY"):
        await serve(bot, "some.token")


async def test_an_unreachable_proxy_is_said_without_its_password(
    services: Services, tmp_path: Path, closed_port: int
) -> None:
    proxy = f"http://user:hunter2@127.0.0.1:{closed_port}"
    settings = Settings(data_dir=tmp_path, discord=DiscordSettings(token=SecretStr("some.token"), proxy=proxy))
    with pytest.raises(DiscordStartError, match="cannot be reached") as caught:
        await run_bot(settings, services, require_token(settings))
    assert "hunter2" not in str(caught.value)
