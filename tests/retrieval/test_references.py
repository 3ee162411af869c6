from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.papers import identify
from retrieval.references import Reference, address_key, find_references, spellings

NEW = "arxiv:2401.12345"
OLD = "arxiv:hep-ex/0307015"
SENTENCES = [
    "{}",
    "What does {} say about this?",
    "({}), and so on",
    "<{}>.",
    "[the paper]({})!",
    "**{}**",
    "Is it “{}”? Or “so”…",
    "总结一下{}这篇论文。",
    "{}, which is new",
    "line\n{}\nline",
    "||{}||",
    "`{}`;",
]


def _ids(text: str) -> list[str | None]:
    return [reference.paper_id for reference in find_references(text)]


@pytest.mark.parametrize(
    ("text", "paper_id"),
    [
        ("2401.12345", NEW),
        ("2401.12345v2", NEW),
        ("2401.12345V2", NEW),
        ("2401.12345v2.pdf", NEW),
        ("arXiv:2401.12345", NEW),
        ("arxiv: 2401.12345v1 [cs.CL]", NEW),
        ("ARXIV 2401.12345", NEW),
        ("arXiv.2401.12345", NEW),
        ("arXiv.org:2401.12345", NEW),
        ("0704.0001", "arxiv:0704.0001"),
        ("hep-ex/0307015", OLD),
        ("Hep-Ex/0307015v1", OLD),
        ("arXiv:hep-ex/0307015v2 [hep-ex]", OLD),
        ("math.GT/0309136", "arxiv:math.GT/0309136"),
        ("https://arxiv.org/abs/2401.12345", NEW),
        ("http://www.arxiv.org/abs/2401.12345v3", NEW),
        ("https://arxiv.org/pdf/2401.12345v1.pdf", NEW),
        ("https://arxiv.org/pdf/2401.12345.pdf#page=3", NEW),
        ("https://arxiv.org/html/2401.12345v2/#S3.SS1", NEW),
        ("https://arxiv.org/abs/2401.12345?context=cs.CL", NEW),
        ("https://arxiv.org/abs/hep-ex/0307015", OLD),
        ("https://arxiv.org/abs/hep-ex%2F0307015", OLD),
        ("arxiv.org/abs/2401.12345", NEW),
        ("https://export.arxiv.org/abs/2401.12345", NEW),
        ("https://export.arxiv.org/api/query?id_list=2401.12345&max_results=1", NEW),
        ("https://export.arxiv.org/oai2?verb=GetRecord&identifier=oai:arXiv.org:2401.12345&metadataPrefix=arXiv", NEW),
        ("https://ar5iv.org/abs/2401.12345", NEW),
        ("https://ar5iv.labs.arxiv.org/html/2401.12345", NEW),
        ("https://www.alphaxiv.org/abs/2401.12345v1", NEW),
        ("https://huggingface.co/papers/2401.12345", NEW),
        ("hf.co/papers/2401.12345", NEW),
        ("https://huggingface.co/papers/2401.12345#65aaf1e2", NEW),
        ("https://api.semanticscholar.org/arXiv:2401.12345", NEW),
        ("https://scirate.com/arxiv/2401.12345", NEW),
        ("oai:arXiv.org:2401.12345", NEW),
        ("oai:arXiv.org:hep-ex/0307015", OLD),
        ("10.48550/arXiv.2401.12345", NEW),
        ("doi:10.48550/ARXIV.2401.12345", NEW),
        ("https://doi.org/10.48550/arXiv.2401.12345v2", NEW),
        ("https://doi.org/10.48550/arXiv.hep-ex/0307015", OLD),
        ("10.1000/ABC", "doi:10.1000/abc"),
        ("DOI: 10.1000/abc", "doi:10.1000/abc"),
        ("https://doi.org/10.1000/abc", "doi:10.1000/abc"),
        ("http://dx.doi.org/10.1000%2Fabc", "doi:10.1000/abc"),
        ("doi.org/10.1000/abc", "doi:10.1000/abc"),
        ("10.1016/0004-3702(89)90045-X", "doi:10.1016/0004-3702(89)90045-x"),
        ("https://dl.acm.org/doi/pdf/10.1145/3292500.3330701?download=true", "doi:10.1145/3292500.3330701"),
        (
            "https://www.biorxiv.org/content/10.1101/2020.01.01.123456v1.full.pdf",
            "doi:10.1101/2020.01.01.123456",
        ),
        ("title:0123456789abcdef", "title:0123456789abcdef"),
        ("https://openreview.net/forum?id=AbC_1-x", "openreview:AbC_1-x"),
    ],
)
def test_every_form_is_read_wherever_it_stands(text: str, paper_id: str | None) -> None:
    for sentence in SENTENCES:
        at = sentence.index("{}")
        assert find_references(sentence.format(text)) == (Reference(text, (at, at + len(text)), paper_id),)


@pytest.mark.parametrize(
    "text",
    [
        "in 2024 and 2401",
        "4.5 points, 93.2% and 1,234.5678",
        "version 2.7.1, v2401.12345, 2401.12345.6 and 2.2401.12345",
        "1234.5678 has no such month, nor has 2024.12345",
        "2401.1234 and 0704.00012 have a digit too few or too many",
        "$1201.5000, €1201.5000, 1201.5000% and 1201.5000ms",
        "2401.123456",
        "3.14159 and 0.12345",
        "192.168.0.1/24, and/or, e.g./i.e.",
        "src/0307015, maths/0309136, math/1234567",
        "10.5 / 3, 10.1000/ and 10.1000",
        "title:0123456789abcdeg, subtitle:0123456789abcdef",
        "someone@arxiv.org",
        "arXiv, arxiv.org, arXiv 2024 papers",
        "",
    ],
)
def test_what_merely_looks_alike_is_none(text: str) -> None:
    assert _ids(text) == []


def test_all_that_a_text_names_is_found_in_its_order() -> None:
    text = "compare 2401.12345v2 with [hep-ex](https://arxiv.org/abs/hep-ex/0307015), 10.1000/a and 2401.12345."
    assert _ids(text) == [NEW, OLD, "doi:10.1000/a", NEW]


def test_a_link_that_lists_several_ids_names_them_all() -> None:
    link = "https://export.arxiv.org/api/query?id_list=2401.12345v1,hep-ex/0307015&max_results=2"
    assert find_references(f"see {link}.") == tuple(Reference(link, (4, 4 + len(link)), each) for each in (NEW, OLD))


def test_an_id_after_arxivs_name_counts_though_it_cannot_be() -> None:
    assert _ids("arXiv:9999.99999 or https://arxiv.org/abs/9999.99999") == ["arxiv:9999.99999"] * 2


_months = st.integers(1, 12).map("{:02}".format)
_before = st.builds("{}{}.{:04}".format, st.integers(8, 14).map("{:02}".format), _months, st.integers(0, 9999))
_since = st.builds("{}{}.{:05}".format, st.integers(15, 49), _months, st.integers(0, 99999))
_first = st.builds(
    "{}/{}{}{:03}".format,
    st.sampled_from(["hep-ex", "astro-ph", "cs", "math.GT", "q-bio"]),
    st.sampled_from(["91", "99", "00", "06"]),
    _months,
    st.integers(1, 999),
)
_arxiv_ids = st.one_of(_before, _since, _first)
_versions = st.one_of(st.just(""), st.integers(1, 12).map("v{}".format))
_forms = st.sampled_from([
    "{}", "arXiv:{}", "arxiv.org/abs/{}", "https://arxiv.org/pdf/{}", "https://arxiv.org/pdf/{}.pdf",
    "https://huggingface.co/papers/{}", "10.48550/arXiv.{}", "oai:arXiv.org:{}", "https://doi.org/10.48550/arXiv.{}",
])  # fmt: skip
_around = st.text(st.characters(blacklist_categories=["Cs", "Nd", "Ll", "Lu"], blacklist_characters=".%/$€£¥-@:_"))


@given(arxiv_id=_arxiv_ids, version=_versions, form=_forms, before=_around, after=_around)
@example(arxiv_id="2401.12345", version="v1", form="{}", before="(", after=")")
def test_an_arxiv_id_is_found_once_whatever_stands_around_it(
    arxiv_id: str, version: str, form: str, before: str, after: str
) -> None:
    assert _ids(f"{before} {form.format(arxiv_id + version)} {after}") == [identify("", arxiv_id=arxiv_id)]


@given(st.text() | st.lists(st.sampled_from(["arXiv:", "2401.12345", "10.1000/", "(", ")", "https://", "a.b/", " "])))
def test_references_stand_where_they_say(pieces: str | list[str]) -> None:
    text = "".join(pieces)
    found = find_references(text)
    assert all(reference.text == text[slice(*reference.span)] for reference in found)
    assert all(one.span == other.span or one.span[1] <= other.span[0] for one, other in pairwise(found))
    assert all(reference.paper_id or "/" in reference.text for reference in found)


@pytest.mark.parametrize(
    "text", ["a." * 50_000, "10.1000/" * 9_000, "(" * 90_000, "https://a(" * 9_000, "arxiv " * 9_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    find_references(text)  # would take seconds or hours if any pattern backtracked; the test has a time limit


def test_addresses_that_lead_to_one_page_are_equal() -> None:
    same = [
        "https://openreview.net/forum?id=aB",
        "http://www.OpenReview.net/forum?id=aB/",
        " openreview.net/forum?id=aB#x",
    ]
    assert len(set(map(address_key, same))) == 1
    assert address_key("https://openreview.net/forum?id=ab") != address_key(same[0])


def test_an_id_has_the_spellings_that_sources_give_it() -> None:
    assert spellings(NEW) == (NEW, "doi:10.48550/arxiv.2401.12345")
    assert spellings("arxiv:math.GT/0309136")[:2] == ("arxiv:math.GT/0309136", "arxiv:math/0309136")
    assert spellings("doi:10.1000/a") == ("doi:10.1000/a",)
