"""The fast lane, `pytest --fast`: what opens no socket, starts no process and loads no model.

No list or marker says which tests these are. Tests that ask for a fixture with a server or a model are left out before
anything runs; those that open a socket, start a process or open the model themselves are skipped at that moment.
"""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

FIXTURES = {"chroma_server", "models", "postgres_server"}  # every fixture with a server or a model uses one of these
LEFT_OUT = "not for the fast lane"
_struck = pytest.StashKey[bool]()


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help=str(__doc__).splitlines()[0])


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests whose fixtures are slow."""
    heavy = [item for item in items if FIXTURES.intersection(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=heavy)
    items[:] = [item for item in items if not FIXTURES.intersection(getattr(item, "fixturenames", ()))]


def guard(item: pytest.Item, patch: pytest.MonkeyPatch) -> None:
    """Skip a test as soon as it opens a socket that others could reach, starts a process or opens the model."""

    def strike(*_args: object, **_options: object) -> NoReturn:
        item.stash[_struck] = True
        pytest.skip(LEFT_OUT)

    def unless_local(own: Callable[..., Any]) -> Callable[..., Any]:
        def call(sock: socket.socket, *args: object) -> object:
            # Event loops and thread pools wake each other through pairs of Unix sockets.
            return own(sock, *args) if sock.family == getattr(socket, "AF_UNIX", None) else strike()

        return call

    for name in ("connect", "connect_ex", "listen"):
        patch.setattr(socket.socket, name, unless_local(getattr(socket.socket, name)))
    patch.setattr(subprocess.Popen, "__init__", strike)
    patch.setattr("retrieval.embedding.local.open_session", strike)


def passed_over(item: pytest.Item, report: pytest.TestReport) -> pytest.TestReport:
    """Report a test as skipped if it was stopped here, however its failure came out."""
    if report.failed and item.stash.get(_struck, False):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {LEFT_OUT}")
    return report


class FastLane:
    """The plugin that `--fast` registers."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        deselect(config, items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with pytest.MonkeyPatch.context() as patch:
            guard(item, patch)
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        return passed_over(item, (yield))
