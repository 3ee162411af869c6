"""Papers that are exported as references come back as the same papers, whatever their texts contain."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pybtex.database
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.bibliography import Cited, Keys, bibtex, key_of, line
from retrieval.catalogue.scope import Scope
from retrieval.errors import BadInputError
from retrieval.export import FORMATS, format_of
from retrieval.papers import Paper, identify
from retrieval.sources import open_source
from retrieval.sources.fetched import Fetched, identities
from retrieval.sources.markup import has_markup
from retrieval.text.text import clean

if TYPE_CHECKING:
    from retrieval.catalogue.catalogue import Catalogue

VERBATIM = {"csv", "jsonl"}
CATS = Fetched(
    Paper(
        "arxiv:2401.00001",
        "On $k$-means & 100% of {Cats}: R_2^3 #1",
        "They cost \\$5.\n\nA \\emph{second} paragraph.",
        "arxiv",
        "https://arxiv.org/abs/2401.00001",
        dt.date(2024, 3, 2),
    ),
    version=3,
    authors=('Kurt G\\"odel', "Jan van der Berg", "Martin Luther King Jr.", "王小明", "OpenAI", "Research and Co"),
    external_ids=identities("x", arxiv_id="2401.00001", doi="10.1000/A_b"),
    venue="Annals of R&D",
    keywords=("cats", "means, many"),
    categories=("cs.LG", "stat.ML"),
)

SIGNS = list("\\{}$%&#_^~\"'`@,;=-.: ")
HARD = r"""$\alpha$ \'e {\"o} \textbackslash \{ \& -- ``q'' a~b x^2 C# 50% { } $ \ " @a{x, ER =1+1 -x Größe 猫 قطط"""
words = st.text(st.characters(exclude_categories=("C", "Z")) | st.sampled_from(SIGNS), min_size=1, max_size=40)
forms = st.sampled_from([*HARD.split(" "), "TY  - JOUR", "https://a.org/x_y", " and ", "(a, b)"])
hard = st.lists(words | forms, min_size=1, max_size=8).map(" ".join)
paragraphs = st.lists(hard, max_size=3).map("\n\n".join)
name = st.lists(
    st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=9), min_size=1, max_size=4
).map(" ".join)


@st.composite
def papers(draw: st.DrawFn) -> Fetched:
    title, abstract = " ".join(draw(hard).split()), draw(paragraphs).strip()
    number = draw(st.none() | st.integers(10000, 99999))
    doi = draw(st.none() | st.from_regex(r"10\.1000/[a-z0-9]([a-z0-9_.()<>#-]{0,20}[a-z0-9])?", fullmatch=True))
    arxiv = f"2401.{number}" if number else None
    ids = identities(title, arxiv_id=arxiv, doi=doi)
    url = draw(st.none() | st.sampled_from(["https://example.org/a_b?c=d%20e&f=~g#h", "http://x.de/Größe/{x}"]))
    if url is None:
        url = f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{arxiv}" if arxiv else None
    published = draw(st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
    return Fetched(
        Paper(ids[0], title, abstract, "test", url, published),
        external_ids=ids,
        authors=tuple(draw(st.lists(name, max_size=4))),
        venue=draw(st.none() | st.sampled_from(["Annals of R&D", "Proc. {ACL} 50% #1", "日本の雑誌"])),
    )


def again(found: list[Fetched], form: str, folder: Path) -> list[Fetched]:
    file = folder / f"papers{FORMATS[form].suffixes[0]}"
    file.write_bytes("".join(FORMATS[form].write(found)).encode())
    source = open_source(str(file), strict=True)
    assert source.left_out.count == 0
    return [each if isinstance(each, Fetched) else Fetched(each) for each in source.papers]


def seen(text: str) -> str:
    return " ".join(clean(text).split())


def held(each: Fetched) -> bool:
    """Tell whether formats can hold a paper's texts: not empty, and unchanged when read as LaTeX again."""
    texts = (each.paper.title, each.paper.abstract)
    return bool(seen(texts[0])) and not any(map(has_markup, texts)) and all(seen(seen(x)) == seen(x) for x in texts)


@pytest.mark.parametrize("form", FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much], max_examples=60)
@given(found=st.lists(papers().filter(held), min_size=1, max_size=3))
def test_what_goes_out_comes_in_as_it_was(form: str, found: list[Fetched], tmp_path: Path) -> None:
    read = again(found, form, tmp_path)
    assert len(read) == len(found)
    for before, after in zip(found, read, strict=True):
        assert seen(after.paper.title) == seen(before.paper.title)
        assert seen(after.paper.abstract) == seen(before.paper.abstract)
        if form in VERBATIM:
            assert (after.paper.title, after.paper.abstract) == (before.paper.title, before.paper.abstract)
        assert tuple(map(seen, after.authors)) == tuple(map(seen, before.authors))
        assert after.paper.published == before.paper.published
        assert (after.venue or None) == (seen(before.venue) if before.venue else None)
        assert after.paper.paper_id == before.paper.paper_id
        kept = [{x for x in each.external_ids if not x.startswith("title:")} for each in (before, after)]
        assert kept[0] == kept[1]
        assert unquote(after.paper.url or "") == unquote(before.paper.url or "")


@pytest.mark.parametrize("form", FORMATS)
def test_every_paper_of_the_files_that_people_have_comes_back(form: str, tmp_path: Path) -> None:
    folders = Path(__file__).parent / "sources" / "exports", Path(__file__).parent / "sources" / "cases"
    files = [file for folder in folders for file in sorted(folder.iterdir()) if file.name != "README.md"]
    read = [each for file in files for each in open_source(str(file)).papers]
    found = [each if isinstance(each, Fetched) else Fetched(each) for each in read if seen(_title(each))]
    back = again(found, form, tmp_path)
    assert len(back) == len(found) > 100
    for before, after in zip(found, back, strict=True):
        one, other = before.paper, after.paper
        assert (seen(other.title), seen(other.abstract)) == (seen(one.title), seen(one.abstract))
        assert [seen(name) for name in after.authors] == [seen(name) for name in before.authors]
        assert (other.paper_id, other.published, unquote(other.url or "")) == (
            one.paper_id,
            one.published,
            unquote(one.url or ""),
        )
        assert (after.keywords, after.venue or "") == (before.keywords, seen(before.venue or ""))


def _title(each: Paper | Fetched) -> str:
    return each.paper.title if isinstance(each, Fetched) else each.title


@settings(max_examples=60)
@given(found=st.lists(papers().filter(held), min_size=1, max_size=3))
def test_bibtex_is_read_alike_by_a_second_parser(found: list[Fetched]) -> None:
    text = "".join(FORMATS["bibtex"].write(found))
    entries = pybtex.database.parse_string(text, "bibtex").entries
    assert len(entries) == len(found)
    for before, entry in zip(found, entries.values(), strict=True):
        assert ("abstract" in entry.fields) == bool(seen(before.paper.abstract))
        assert entry.fields["title"].count("\\textbackslash{}") == seen(before.paper.title).count("\\")
        assert entry.fields.get("year") == (before.paper.published and str(before.paper.published.year))
        people = entry.persons.get("author", [])
        assert [sorted(str(each).replace(",", "").split()) for each in people] == [
            sorted(seen(each).split()) for each in before.authors
        ]
        assert len(people) == len(before.authors)


@pytest.mark.parametrize("form", FORMATS)
async def test_the_same_library_knows_every_paper_again(form: str, catalogue: Catalogue, tmp_path: Path) -> None:
    """Even two papers with the same title and no ids, which differ only in their abstracts."""
    one = Paper(identify("Erratum"), "Erratum", "In the first paper a sign was wrong.", "jsonl")
    other = Paper(identify("Erratum"), "Erratum", "Elsewhere the names of all of the authors were lost.", "jsonl")
    await catalogue.add([CATS, one, other])
    known = await catalogue.known(await catalogue.ids(Scope()))
    assert len(known) == 3
    before = [each.details for each in known.values()]
    added = await catalogue.add(again(before, form, tmp_path))
    assert (added.new, added.changed, added.known) == (0, 0, 3)
    fresh = await catalogue.open(f"sqlite+aiosqlite:///{tmp_path / 'fresh.db'}")
    await fresh.add(again(before, form, tmp_path))
    assert set(await fresh.ids(Scope())) == set(known)
    await fresh.close()


def test_an_entry_has_what_latex_needs_and_no_more() -> None:
    assert bibtex(CATS) == (
        "@article{godel2024kmeans,\n"
        "  title = {On k-means \\& 100\\% of \\textbraceleft{}Cats\\textbraceright{}: "
        "R\\_2\\textasciicircum{}3 \\#1},\n"
        "  author = {Kurt Gödel and Jan van der Berg and Martin Luther King Jr. and 王小明 and OpenAI and "
        "{Research and Co}},\n"
        "  journal = {Annals of R\\&D},\n  year = {2024},\n  month = mar,\n  day = {2},\n"
        "  eprint = {2401.00001},\n  archiveprefix = {arXiv},\n  primaryclass = {cs.LG},\n"
        "  doi = {10.1000/a_b},\n  url = {https://arxiv.org/abs/2401.00001},\n  keywords = {cats, means many},\n"
        "  abstract = {They cost \\$5. A second paragraph.}\n}\n"
    )


def test_a_line_names_six_authors_year_title_venue_and_link() -> None:
    assert line(CATS) == (
        "Kurt Gödel, Jan van der Berg, Martin Luther King Jr., 王小明, OpenAI, Research and Co (2024). "
        "On k-means & 100% of {Cats}: R_2^3 #1. Annals of R&D. https://arxiv.org/abs/2401.00001"
    )
    many = replace(CATS, authors=tuple(f"A{n} B" for n in range(9)), venue=None)
    assert "A5 B et al. (2024). On k-means" in line(many)
    assert "arXiv:2401.00001." in line(many)
    bare = Fetched(Paper("title:0", "Who are you?", "", "x"))
    assert line(bare) == "(n.d.). Who are you?"


def test_keys_say_who_when_and_what_and_differ() -> None:
    keys = Keys()
    bare = Fetched(Paper("title:0", "猫", "", "x"))
    assert [keys.give(each) for each in (CATS, CATS, bare, bare, CATS)] == [
        "godel2024kmeans", "godel2024kmeans-2", "paper", "paper-2", "godel2024kmeans-3",
    ]  # fmt: skip
    assert key_of(replace(bare, authors=("Jan van der Berg",))) == "vanderberg"


def test_reference_managers_get_names_in_parts() -> None:
    ris = "".join(FORMATS["ris"].write([CATS]))
    assert ris.startswith("TY  - JOUR\n")
    assert "AU  - van der Berg, Jan\n" in ris
    assert "AU  - King, Martin Luther, Jr.\n" in ris
    (csl,) = json.loads("".join(FORMATS["csl"].write([CATS])))
    assert csl["author"][1:4] == [
        {"family": "van der Berg", "given": "Jan"},
        {"family": "King", "given": "Martin Luther", "suffix": "Jr."},
        {"literal": "王小明"},
    ]
    assert (csl["type"], csl["number"], csl["DOI"]) == ("article-journal", "arXiv:2401.00001", "10.1000/a_b")


def test_no_cell_of_a_table_is_a_formula() -> None:
    bad = Fetched(Paper("title:0", '=HYPERLINK("http://x.invalid")', "+1 and more", "x"), authors=("@SUM",))
    rows = list(csv.reader(io.StringIO("".join(FORMATS["csv"].write([bad])))))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in rows[1])


def test_json_lines_hold_what_no_other_format_does(tmp_path: Path) -> None:
    (read,) = again([replace(CATS, upvotes=7, code_url="https://github.com/a/b")], "jsonl", tmp_path)
    assert (read.version, read.upvotes, read.code_url) == (3, 7, "https://github.com/a/b")
    assert (read.categories, read.keywords) == (CATS.categories, CATS.keywords)
    assert read.authors == CATS.authors


def test_the_name_of_a_file_says_the_format() -> None:
    assert [format_of(x) for x in ("a.bib", "A.RIS", "b.json", "c.csv", "d.jsonl")] == list(FORMATS)
    with pytest.raises(BadInputError, match=r"\.bib \(BibTeX\)"):
        format_of("papers.docx")


def test_a_search_elsewhere_is_no_link_to_a_paper() -> None:
    elsewhere = Fetched(Paper("title:0", "Cats", "", "seeds", "https://huggingface.co/papers?q=Cats"))
    assert line(elsewhere) == "(n.d.). Cats."
    assert "url" not in bibtex(elsewhere)


def test_no_ids_of_others_are_a_papers_own() -> None:
    own = replace(CATS, external_ids=("arxiv:2401.00001", "doi:10.48550/arxiv.2401.00001"))
    assert Cited.of(own).doi == ""
