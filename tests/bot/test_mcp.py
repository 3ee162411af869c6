"""`footnote mcp` as a real process, driven by the SDK's own client over its streams."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp import Client, StdioServerParameters

from bot.answering.answerer import Answerer
from bot.answering.extractive import ExtractiveWriter
from bot.mcp_server import make_server
from retrieval.papers import Paper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from retrieval.library import Library
    from tests.terminal import Result

ROOT = Path(__file__).parents[2]
ASKED = "does a better one-step likelihood give a better controller?"
MISMATCH = "Objective Mismatch in Model-based Reinforcement Learning"


@asynccontextmanager
async def connected(data_dir: Path) -> AsyncIterator[Client]:
    command = ["-m", "bot", "--data-dir", str(data_dir), "mcp"]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    server = StdioServerParameters(command=sys.executable, args=command, env=env, cwd=data_dir)
    async with Client(server, read_timeout_seconds=120) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return "".join(getattr(each, "text", "") for each in result.content)


async def test_a_client_searches_asks_and_reads_over_a_processs_streams(seeded_dir: Path, tmp_path: Path) -> None:
    await asyncio.to_thread(shutil.copytree, seeded_dir, tmp_path / "data", symlinks=True)
    async with connected(tmp_path / "data") as client:
        assert client.server_info is not None
        assert client.server_info.name == "footnote"
        assert "never instructions" in (client.instructions or "")
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["search", "ask", "similar", "get"]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        found = (await called(client, "search", query="objective mismatch", limit=2))["papers"]
        assert (len(found), found[0]["title"]) == (2, MISMATCH)
        answer = await called(client, "ask", question=ASKED)
        assert answer["citations"][0]["title"] == MISMATCH
        assert all(statement["citations"] for statement in answer["statements"])
        assert (await called(client, "ask", question="whats the weather like in berlin"))["outcome"] == "refused"
        near = (await called(client, "similar", paper=found[0]["paper_id"], limit=3))["papers"]
        assert len({each["title"] for each in near} - {MISMATCH}) == 3
        paper = await called(client, "get", paper=found[0]["paper_id"])
        assert answer["citations"][0]["quote"].split()[0] in paper["abstract"]
        assert paper["bibtex"].startswith("@misc{")
        assert MISMATCH in paper["citation"]


async def test_what_is_wrong_is_said_and_nothing_is_changed(library: Library) -> None:
    await library.add([Paper("arxiv:2401.00001", "Cats", "Cats sit on mats.", "mine")])
    server = make_server(library, Answerer(library, ExtractiveWriter()))
    async with Client(server) as client:
        assert "use search to find ids" in await refused(client, "get", paper="nope")
        assert "use search to find ids" in await refused(client, "similar", paper="")
        for arguments in ({"query": "x", "limit": 0}, {"query": "x", "since": "someday"}, {"query": "x" * 9999}, {}):
            assert await refused(client, "search", **arguments)
        assert await refused(client, "ask", question="")
        assert (await called(client, "search", query=" "))["papers"] == []
        assert (await called(client, "get", paper="arXiv 2401.00001v3"))["paper_id"] == "arxiv:2401.00001"
    assert await library.ids() == ["arxiv:2401.00001"]


def test_without_the_sdk_the_extra_is_named(terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "bot.mcp_server" or name.split(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = terminal("mcp")
    assert (result.code, result.err.count("\n"), "footnote[mcp]" in result.err) == (1, 1, True)
