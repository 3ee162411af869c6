from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.ui.discord_limits import URL_CHARACTERS
from bot.discord.ui.markdown import ELLIPSIS, escape, length, link, plain, safe_url, shorten, shorten_at_end

ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")


@pytest.mark.parametrize(
    "text",
    [
        "**bold** __under__ ~~gone~~ *it* _it_",
        "`code` ```block```",
        "||spoiler||",
        "[click](https://evil.example)",
        "<https://evil.example>",
        "<@123456789012345678> <@!1> <@&1> <#1>",
        "<:smile:1> <a:smile:1> <t:1700000000:R> </ask:1> <id:browse>",
        "# heading",
        "-# small",
        "> quote",
        ">>> quote",
        "- item",
        "* item",
        "1. item",
        "see https://evil.example and :smile:",
    ],
)
def test_no_markdown_of_foreign_text_is_alive(text: str) -> None:
    alive = ESCAPED.sub("·", escape(plain(text)))
    assert not re.search(r"[*_~`|\[\]]|<[@#:/A-Za-z]|://|:\w+:", alive)
    assert not re.match(r"[#>-]|\d+\.", alive)


def test_what_is_shown_are_the_letters_of_the_text() -> None:
    text = "C++ [a_b] 2*3 <x> | `k` ~ \\frac{1}{2} – 50% #1 https://a.b/c"
    assert re.sub(r"\\([^0-9A-Za-z\s])", r"\1", escape(text)).replace("\u200b", "") == text


@given(st.text())
def test_a_mention_cannot_be_spelled_even_without_regard_to_backslashes(tail: str) -> None:
    for start in ("@everyone", "@here", "<@123>", "<@!1>", "<@&5>", "<#7>", "<t:1>", "<:a:1>"):
        assert start not in escape(plain(start + tail))


def test_what_cannot_be_seen_is_taken_out() -> None:
    assert plain("a\u200bb\u202ec\u2066d\ufeffe\u00adf\x00g\ud800h\u2800i\u3164j\U000e0041k") == "abcdefghijk"


def test_piled_up_marks_are_cut_and_written_accents_stay() -> None:
    assert plain("e" + "\u0301" * 50) == "e" + "\u0301" * 3
    assert plain("Vie\u0302\u0323t, שָׁלוֹם") == "Vie\u0302\u0323t, שָׁלוֹם"


def test_foreign_text_becomes_one_line() -> None:
    assert plain("  a\n# b\r\n\tc\u2028d\x85e  ") == "a # b c d e"


@given(st.text(max_size=400).map(plain), st.integers(min_value=4, max_value=300))
def test_shortened_text_fits_and_begins_as_before(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert length(escape(short)) <= limit
    assert short == text or ELLIPSIS in short
    assert text.startswith(short.partition(ELLIPSIS)[0].rstrip())


def test_the_middle_is_left_out_by_whole_words() -> None:
    assert shorten("one two three four five six", 18) == "one two … five six"


def test_of_a_very_long_text_only_the_ends_are_looked_at_and_they_are_the_same() -> None:
    assert shorten("one two " + "middle " * 10_000 + "five six", 22) == "one two … five six"
    assert shorten("x" * 10_000, 10) == "x" * 9 + ELLIPSIS


def test_one_endless_word_is_cut() -> None:
    assert shorten("x" * 100, 10) == "x" * 9 + ELLIPSIS


@given(st.one_of(st.text(), st.text().map("https://arxiv.org/".__add__), st.text().map("http://".__add__)))
def test_an_address_cannot_end_its_link(url: str) -> None:
    safe = safe_url(url)
    if safe is not None:
        assert re.fullmatch(r"https?://[A-Za-z0-9.-]+[!-~]*", safe)
        assert not re.search(r"[()<>\[\]\\@|`*\"]", safe)
        assert len(safe) <= URL_CHARACTERS


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://a.b",
        "discord://x",
        "https://",
        "/abs/1",
        "https://arxiv.org@evil.example/",
        "https://[::1",
        "https://a b.c/",
        "https://a.b/" + "x" * 512,
        "https://a.b/\ud800",
    ],
)
def test_what_is_no_plain_web_address_is_left_out(url: str) -> None:
    assert safe_url(url) is None
    assert link("Title", url) == "Title"


def test_blanks_and_parentheses_of_an_address_are_encoded() -> None:
    url = safe_url(" https://a.b/x (y)?q=ü%20z#f ")
    assert url == "https://a.b/x%20%28y%29?q=%C3%BC%20z#f"
    assert urlsplit(url).netloc == "a.b"


def test_a_title_cannot_bring_a_link_of_its_own() -> None:
    made = link("x](https://evil.example) [y", "https://arxiv.org/abs/1")
    assert re.findall(r"\]\((.*?)\)", made) == ["https://arxiv.org/abs/1"]
    assert made.count("[") == made.count("]") == 1


@given(st.text(max_size=300).map(plain), st.integers(min_value=2, max_value=100))
def test_a_label_fits_and_begins_as_the_text_does(text: str, limit: int) -> None:
    label = shorten_at_end(text, limit)
    assert length(label) <= limit
    assert label == text or (label.endswith(ELLIPSIS) and text.startswith(label.removesuffix(ELLIPSIS)))


def test_a_label_is_cut_at_a_word_where_that_leaves_half_of_it() -> None:
    assert shorten_at_end("one two three four", 12) == "one two…"
    assert shorten_at_end("one twothreefour", 12) == "one twothre…"
