"""Token counts with a vocabulary, without one, and when the network never answers."""

from __future__ import annotations

import logging
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import tiktoken
import tiktoken.model
import tiktoken.registry
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text import tokens
from retrieval.text.tokens import TokenCounter, estimate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WARNING = "Token counts are estimates"
ABSTRACT = (
    "Reward models learned from pairwise comparisons are known to be over-optimised by the policies that they "
    "train. We ask how much of this comes from label noise and how much from a shift of the responses."
)


@pytest.fixture(autouse=True)
def fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget earlier attempts, look for vocabularies in an empty folder, and make every download fail at once."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    use_proxy(monkeypatch, 9)  # the discard port: nobody listens
    tokens._vocabulary.cache_clear()
    yield
    tokens._vocabulary.cache_clear()


def use_proxy(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_with_a_vocabulary_counts_are_tiktokens_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"abc": 257}
    encoding = tiktoken.Encoding(
        "tiny", pat_str=r"\s+|\S+", mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 258}
    )
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "tiny", encoding)
    monkeypatch.setitem(tiktoken.model.MODEL_TO_ENCODING, "tiny-model", "tiny")
    counter = TokenCounter("tiny-model")
    assert counter.count("abc ab a") == 5
    assert counter.count("<|endoftext|>") == 13  # in a paper, this is text like any other
    assert not counter.estimated
    assert WARNING not in caplog.text


def test_without_a_network_counts_are_estimates_and_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    counter = TokenCounter("gpt-5.4-mini")
    assert counter.count(ABSTRACT) == -(-len(ABSTRACT) // 4)
    assert counter.estimated
    assert TokenCounter("an-unknown-model").estimated  # the same vocabulary, so there is no second attempt
    assert [(record.levelno, record.name) for record in caplog.records] == [(logging.WARNING, "retrieval.text.tokens")]
    assert WARNING in caplog.text
    assert "TIKTOKEN_CACHE_DIR" in caplog.text


def test_a_cached_vocabulary_with_a_wrong_hash_is_not_used(tmp_path: Path) -> None:
    name = "fb374d419588a4632f3f557e76b4b70aebbca790"  # tiktoken's name for o200k_base
    (tmp_path / name).write_bytes(b"IQ== 0\n")
    assert TokenCounter("gpt-5").estimated
    assert not (tmp_path / name).exists()  # tiktoken looked at it and threw it away


def test_a_network_that_never_answers_is_given_up_and_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tokens, "PATIENCE", timedelta(seconds=0.2))
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts connections, and never answers
        use_proxy(monkeypatch, server.getsockname()[1])
        counter = TokenCounter("gpt-5")
        counter.start()
        connection, _ = server.accept()
        with connection:
            assert counter.estimated
            began = time.monotonic()
            assert counter.count("some text") == 3
            assert time.monotonic() - began < 0.2  # it waits only once
            assert caplog.text.count(WARNING) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a", 1),
        ("plain words", 3),
        ("größer größer", 6),
        ("大規模言語モデル", 8),
        (r"$\alpha_{i}^{2}$", 6),
        ('{"a": [1, 2, 3]}', 6),
        ("\ud800", 1),
    ],
)
def test_estimates_follow_the_bytes(text: str, count: int) -> None:
    assert estimate(text) == count


@given(st.text(), st.text())
def test_an_estimate_is_never_below_a_quarter_of_the_bytes_nor_above_a_third(one: str, other: str) -> None:
    size = len((one + other).encode())
    assert size / 4 <= estimate(one + other) < size / 3 + 1
