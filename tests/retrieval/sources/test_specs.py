from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import BadInputError
from retrieval.sources import open_online, open_source
from retrieval.sources.arxiv import Arxiv
from retrieval.sources.feed import Feed
from retrieval.sources.huggingface import HuggingFaceDaily

if TYPE_CHECKING:
    from retrieval.sources.fetched import OnlineSource
    from retrieval.sources.web import Web

NOWHERE = "http://127.0.0.1:9"


def opened(spec: str, web: Web) -> OnlineSource | None:
    return open_online(spec, web, huggingface_url=NOWHERE, arxiv_url=NOWHERE)


def searched(spec: str, web: Web) -> tuple[str, int | None]:
    source = opened(spec, web)
    assert isinstance(source, Arxiv)
    return source._search, source._days


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("huggingface", "huggingface"),
        ("huggingface:2026-11-19", "huggingface:2026-11-19"),
        ("huggingface:2026-11-01..2026-11-19", "huggingface:2026-11-01..2026-11-19"),
        ("huggingface:2026-11-19..2026-11-19", "huggingface:2026-11-19"),
    ],
)
async def test_hugging_face_is_named_with_or_without_days(web: Web, spec: str, name: str) -> None:
    source = opened(spec, web)
    assert isinstance(source, HuggingFaceDaily)
    assert source.name == name


@pytest.mark.parametrize(
    ("spec", "search", "days"),
    [
        ("arxiv:cs.CL", "cat:cs.CL", 7),
        ("arxiv:cs.CL+cs.LG:3", "cat:cs.CL OR cat:cs.LG", 3),
        ("arxiv:CS.cl, stat.ml", "cat:cs.CL OR cat:stat.ML", 7),
        ("arxiv:cs.CL+cs.CL", "cat:cs.CL", 7),
        ("arxiv:hep-th+cs+cond-mat.mes-hall", "cat:hep-th OR cat:cs.* OR cat:cond-mat.mes-hall", 7),
        ("arxiv:Physics.Optics:1", "cat:physics.optics", 1),
        ('arxiv:"diffusion policy"', 'all:"diffusion" AND all:"policy"', None),
        ("arxiv:diffusion policy", 'all:"diffusion" AND all:"policy"', None),
        ("arxiv:transformers", 'all:"transformers"', None),
        ('arxiv:"Q: why?":30', 'all:"Q:" AND all:"why?"', 30),
        ('arxiv:ti:"world models" AND cat:cs.RO', 'ti:"world models" AND cat:cs.RO', None),
    ],
)  # fmt: skip
async def test_arxiv_is_named_with_categories_words_or_its_own_language(
    web: Web, spec: str, search: str, days: int | None
) -> None:
    assert searched(spec, web) == (search, days)


@pytest.mark.parametrize("url", ["https://export.arxiv.org/rss/cs.CL", "http://localhost:8080/feed", "HTTPS://A.org/f"])
async def test_an_address_is_a_feed(web: Web, url: str) -> None:
    source = opened(url, web)
    assert isinstance(source, Feed)
    assert source.name == url


@pytest.mark.parametrize(
    "spec", ["seeds", "papers.jsonl", "./huggingface", "huggingfaces", "folder/arxiv:x", "", "C:\\x"]
)
async def test_everything_else_is_left_to_files(web: Web, spec: str) -> None:
    assert opened(spec, web) is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("huggingface:", "write huggingface:2024-05-31"),
        ("huggingface:yesterday", '"yesterday" is no day'),
        ("huggingface:2026-02-30", '"2026-02-30" is no day'),
        ("huggingface:2026-11-21", "still to come"),
        ("huggingface:2001-01-01", "daily lists since 2023-05-01"),
        ("arxiv", "Say what to read from arXiv"),
        ("arxiv:", "Say what to read from arXiv"),
        ('arxiv:""', "Say what to read from arXiv"),
        (f"arxiv:{'x' * 301}", "up to 300 characters"),
        ("arxiv:cs.CL:0", "asks for 0 days; ask for 1 to 3650"),
        ("arxiv:cs.CL:99999999999999999999", "ask for 1 to 3650"),
        ("arxiv:" + "+".join(f"cs.{a}{b}" for a in "ABCDE" for b in "ABCDE"), "25 categories are too many"),
        ("https://", "no address of a feed"),
        ("https://a b/feed", "no address of a feed"),
        ("http://[::1", "no address of a feed"),
        ("http://x:99999/", "no address of a feed"),
    ],
)
async def test_a_name_that_goes_wrong_halfway_is_refused_with_the_right_one(web: Web, spec: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        opened(spec, web)


def test_an_unknown_source_of_files_is_told_of_those_on_the_network() -> None:
    with pytest.raises(BadInputError, match=r'the nearest is "huggingface"; .*"arxiv:cs\.CL'):
        open_source("huggingfaces")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    spec=st.one_of(st.text(), st.builds("{}:{}".format, st.sampled_from(["arxiv", "huggingface", "http"]), st.text()))
)
def test_any_text_is_a_source_or_refused_or_left_to_files(web: Web, spec: str) -> None:
    try:
        source = opened(spec, web)
    except BadInputError:
        return
    assert source is None or source.name
