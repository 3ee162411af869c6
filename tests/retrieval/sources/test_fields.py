from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sources.fields import address, code_link, is_withdrawn, moment, one_line, plain, unwrap


@pytest.mark.parametrize(
    "comment",
    [
        "Withdrawn",
        "withdrawn by the author due to an error in Section 3",
        "This paper has been withdrawn by the author(s), due to a crucial sign error in equation 1",
        "Paper withdrawn",
        "This submission has been withdrawn by arXiv administrators due to disputed authorship",
        "arXiv admin note: submission has been withdrawn by arXiv administrators",
        "12 pages, 3 figures. This article was withdrawn because Lemma 2 is false",
        "The manuscript is being withdrawn\nfor revision",
        "Withdrawn from arXiv by the authors",
        "This paper has been temporarily withdrawn",
    ],
)
def test_a_comment_that_takes_the_paper_back_is_a_withdrawal(comment: str) -> None:
    assert is_withdrawn(comment, "We show that it works.")


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "12 pages, 3 figures",
        "Withdrawn from ICLR 2025, accepted at EMNLP",
        "This paper was withdrawn from the conference",
        "Supersedes the withdrawn arXiv:2401.00001",
        "Corrects a withdrawn paper of ours",
        "A study of 30 withdrawn drugs",
        "We thank the referee, who has withdrawn the objection",
    ],
)
def test_a_comment_about_something_else_is_none(comment: str) -> None:
    assert not is_withdrawn(comment, "Utilizing papers withdrawn from arXiv, we validate our methods.")


def test_an_abstract_put_in_place_of_the_old_one_is_a_withdrawal() -> None:
    assert is_withdrawn("", "This paper has been withdrawn by the author due to an error.")
    assert not is_withdrawn("", "This paper is about withdrawn papers, and this paper has been widely read.")


def test_hard_wrapped_lines_are_joined_and_paragraphs_stay() -> None:
    assert (
        unwrap("  We show\nthat it\r\nworks.\n\nIt does.\n  Really.\n")
        == "We show that it works.\n\nIt does.\n\nReally."
    )


def test_tags_are_taken_out_and_mathematics_is_not() -> None:
    markup = (
        "<p>We show x<y &amp; y>z for <i>all</i> <jats:sub>2</jats:sub>.</p><!-- x -->"
        "<style>p{}</style><P>So<br/>be it</P>"
    )
    assert unwrap(plain(markup)) == "We show x<y & y>z for all 2.\n\nSo\n\nbe it"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("Code: https://github.com/a/b.", "https://github.com/a/b"),
        ("(https://github.com/a/b-c.d), and https://github.com/x/y", "https://github.com/a/b-c.d"),
        ("https://github.com/a/b.git", "https://github.com/a/b"),
        ("\\url{https://gitlab.com/a/b}", "https://gitlab.com/a/b"),
        ("https://github.com/only-an-owner", None),
        ("https://example.org/a/b", None),
        ("", None),
    ],
)
def test_the_first_repository_named_is_the_code(text: str, link: str | None) -> None:
    assert code_link(text) == link


@pytest.mark.parametrize("value", [None, 3, "", "javascript:alert(1)", "https://a b", "see https://a.org", "//a.org"])
def test_what_is_no_web_address_is_none(value: object) -> None:
    assert address(value) is None


@pytest.mark.parametrize(
    ("value", "when"),
    [
        ("2026-11-20T01:02:03.000Z", dt.datetime(2026, 11, 20, 1, 2, 3, tzinfo=dt.UTC)),
        ("2026-11-20T01:00:00+02:00", dt.datetime(2026, 11, 19, 23, tzinfo=dt.UTC)),
        ("2026-11-20", dt.datetime(2026, 11, 20, tzinfo=dt.UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (1_700_000_000, None),
    ],
)
def test_a_time_is_read_in_utc_or_not_at_all(value: object, when: dt.datetime | None) -> None:
    assert moment(value) == when


@given(st.text())
def test_reading_a_field_again_changes_nothing(text: str) -> None:
    assert unwrap(unwrap(text)) == unwrap(text)
    assert one_line(one_line(text)) == one_line(text)
    unwrap(text).encode()


@given(st.text(alphabet="<>/pbx &;!-"))
def test_any_markup_can_be_read(text: str) -> None:
    assert isinstance(plain(text), str)
