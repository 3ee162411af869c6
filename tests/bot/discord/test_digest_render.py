"""Digests as messages: within every limit, whatever the papers are called, and with buttons for each paper."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.digest.digest import Digest, Entry, Roundup
from bot.discord.digests.digest_card import PICTURE_NAME, Mark, digest_cards, thread_name
from bot.discord.ui import custom_ids as ids
from bot.discord.ui.markdown import length
from bot.language import LANGUAGES, in_language
from local_discord.limits import COMPONENTS_V2, check_message
from local_discord.plain_text import displayed_text, walk
from retrieval.papers import Paper
from tests.bot.discord.foreign import foreign, papers, urls
from tests.bot.discord.prepared import TITLE, URL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.ui.layout import Card

NONCE = "n" * 22
MARK = Mark("s1B2c3D4", NONCE)
MOST_PAPERS = 15
MOST_MESSAGES = 15  # at worst, one for each paper
DAY = dt.date(2026, 3, 16)

entries = st.builds(
    Entry,
    papers,
    foreign(100),
    foreign(500),
    st.just(""),
    st.floats(0, 1),
    st.one_of(st.none(), st.integers(0, 10**9)),
    urls,
)
roundups = st.builds(
    Roundup, st.just(b"PNG"), foreign(1024).map(lambda alt: alt.encode(errors="replace").decode()), st.just(())
)
digests = st.builds(
    Digest,
    title=foreign(700),
    day=st.just(DAY),
    topics=st.just(("robots",)),
    entries=st.lists(entries, max_size=MOST_PAPERS, unique_by=lambda entry: entry.paper.paper_id).map(tuple),
    considered=st.integers(0, 500),
    note=st.one_of(st.none(), foreign(700)),
    hint=st.one_of(st.none(), foreign(200)),
    roundup=st.one_of(st.none(), roundups),
)
thorough = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


def digest(count: int, **chosen: Any) -> Digest:
    listed = tuple(
        Entry(Paper(f"arxiv:2603.{number:05}", f"{TITLE} {number}", "", "arxiv", URL), "robots", "It works.", "", 0.9)
        for number in range(count)
    )
    given: dict[str, Any] = {"title": "New papers", "day": DAY, "topics": ("robots",), "entries": listed}
    return Digest(**{**given, "considered": 100, **chosen})


def parts(card: Card) -> list[dict[str, Any]]:
    return list(walk(card.to_components()))


def custom_ids(card: Card) -> list[str]:
    return [part["custom_id"] for part in parts(card) if "custom_id" in part]


def text(cards: Sequence[Card]) -> str:
    return "\n".join(displayed_text(card.to_components()) for card in cards)


def assert_within_limits(card: Card) -> None:
    components: list[Any] = card.to_components()
    files = {file.filename: file.fp.read() for file in card.files()}
    check_message({"components": components, "flags": COMPONENTS_V2, "nonce": NONCE + "14"}, files)
    assert len(parts(card)) <= 40
    texts = [part["content"] for part in parts(card) if part["type"] == 10]
    assert all(one.strip() for one in texts)
    assert sum(map(length, texts)) <= 4000
    assert all(length(one) <= 100 for one in custom_ids(card))
    for item in (item for part in parts(card) for item in part.get("items") or []):
        assert length(item.get("description") or "") <= 1024


@thorough
@given(digests, st.sampled_from(sorted(LANGUAGES)), st.sampled_from([None, MARK]))
def test_every_message_is_within_the_limits_and_shows_every_paper_once(
    digest: Digest, language: str, mark: Mark | None
) -> None:
    with in_language(language):
        cards = digest_cards(digest, mark)
        assert 1 <= len(thread_name(digest)) <= 100
    assert 1 <= len(cards) <= MOST_MESSAGES + 1
    for card in cards:
        assert_within_limits(card)
    about = [each for card in cards for each in custom_ids(card) if each.startswith(ids.ABOUT)]
    assert about == [ids.about(entry.paper.paper_id) for entry in digest.entries]


@thorough
@given(digests)
def test_nothing_foreign_mentions_anybody(digest: Digest) -> None:
    shown = text(digest_cards(digest))
    assert "@everyone" not in shown
    assert "@here" not in shown
    assert "<@" not in shown
    assert "<#" not in shown


def test_six_papers_fit_into_one_message_and_seven_take_two() -> None:
    assert len(digest_cards(digest(6), MARK)) == 1
    first, second = digest_cards(digest(7), MARK)
    assert "**7.**" in text([second])
    assert custom_ids(first)[-1] == ids.digest(MARK.subscription_id, NONCE, 0)
    assert custom_ids(second)[-1] == ids.digest(MARK.subscription_id, NONCE, 1)


def test_a_paper_has_its_link_its_sentence_its_topic_its_votes_and_its_code() -> None:
    paper = Paper("arxiv:2603.00001", TITLE, "", "arxiv", URL)
    entry = Entry(paper, "walking robots", "They walk.", "They walk.", 0.9, 1234, "https://github.com/a/b")
    with in_language("de"):
        (card,) = digest_cards(digest(0, entries=(entry,)))
    shown = text([card])
    assert (
        f"**1.** **[{TITLE}]({URL})**\nThey walk.\n-# walking robots · ▲ 1.234 · [Code](https://github.com/a/b)"
        in shown
    )
    assert [each.removesuffix(":2603.00001") for each in custom_ids(card)] == [
        "footnote:star:arxiv",
        "footnote:about:arxiv",
        "footnote:similar:arxiv",
        "footnote:cite-menu",
    ]


def test_an_empty_digest_says_why_and_the_first_one_how_to_change_it() -> None:
    (card,) = digest_cards(digest(0, note="Nothing new on robots.", hint="Change it with /digest edit."), MARK)
    assert "\nNothing new on robots.\n-# Change it with /digest edit." in text([card])


def test_the_map_hangs_on_the_first_message_with_its_alt_text_unless_it_may_not() -> None:
    weekly = digest(9, roundup=Roundup(b"PNG", "A map of robots.", ()))
    first, second = digest_cards(weekly, MARK)
    (gallery,) = [part for part in parts(first) if part["type"] == 12]
    assert gallery["items"][0]["media"]["url"] == f"attachment://{PICTURE_NAME}"
    assert gallery["items"][0]["description"] == "A map of robots."
    assert [file.fp.read() for file in first.files()] == [b"PNG"]
    assert [file.fp.read() for file in first.files()] == [b"PNG"]
    assert not second.files()
    bare, _ = digest_cards(weekly, MARK, with_picture=False)
    assert not bare.files()
    assert not [part for part in parts(bare) if part["type"] == 12]
