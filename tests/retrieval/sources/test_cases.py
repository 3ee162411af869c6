"""Files as people have them, each with the papers that it must give; those in cases/ were made for this project (CC0)."""

# ruff: noqa: E501  # exports are as programs write them, and what each must give is on one line

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from retrieval.errors import BadInputError
from retrieval.sources import Source, open_source
from retrieval.sources.fetched import Fetched
from retrieval.text.text import clean
from tests.papers import fetched

if TYPE_CHECKING:
    from retrieval.catalogue.catalogue import Catalogue

CASES = Path(__file__).parent / "cases"
ZEBRAS = "We present FooBarNet, a method for counting zebras in aerial images."
ROUTERS = "We study how sparse mixture routers balance load across experts."
DAY = dt.date


def read(name: str) -> Source:
    return open_source(str(CASES / name))


def only(source: Source) -> Fetched:
    (paper,) = source.papers
    assert isinstance(paper, Fetched)
    return paper


def told(paper: Fetched) -> tuple[object, ...]:
    own = paper.paper
    own_id = own.paper_id if not own.paper_id.startswith("title:") else None
    return own.title, paper.authors, own.published, own_id, own.url


@pytest.mark.parametrize(
    ("name", "expected", "begins", "ends"),
    [
        ("refs.bib", ("FooBarNet: Counting Zebras", ("Ada B", "C D"), DAY(2024, 1, 1), "doi:10.1/abc", "https://doi.org/10.1/abc"), ZEBRAS, "on a phone."),
        ("refs.ris", ("FooBarNet RIS", ("Ada B",), DAY(2024, 1, 1), "doi:10.1/abd", "https://doi.org/10.1/abd"), ZEBRAS, "on a phone."),
        ("csl.json", ("CSL paper", ("Ada B",), DAY(2024, 5, 1), "doi:10.1/abe", "https://doi.org/10.1/abe"), ZEBRAS, "on a phone."),
        ("zotero.csv", ("Zotero CSV paper", ("Ada B",), DAY(2024, 1, 1), "doi:10.1/abc", "https://example.org/p"), ZEBRAS, "on a phone."),
        ("papers.tsv", ("A TSV of papers", (), None, "arxiv:2401.00003", "https://arxiv.org/abs/2401.00003"), ROUTERS, "points."),
        ("papers.ndjson", ("ndjson file of papers", (), None, None, None), ROUTERS, "points."),
        ("pubmed.xml", ("PubMed XML", (), None, None, "https://pubmed.ncbi.nlm.nih.gov/1/"), f"RESULTS: {ZEBRAS}", "phone."),
        ("atom.xml", ("Atom saved to a file", ("A Person",), DAY(2024, 1, 10), "arxiv:2401.12345", "https://arxiv.org/abs/2401.12345"), ROUTERS, "points."),
        ("oai.xml", ("OAI title", (), None, "arxiv:2401.12345", "https://arxiv.org/abs/2401.12345"), ROUTERS, "points."),
        ("s2.jsonl", ("A Semantic Scholar row", ("Ada B",), DAY(2023, 1, 1), "arxiv:2301.00001", "https://arxiv.org/abs/2301.00001"), ZEBRAS, "phone."),
        ("kaggle.jsonl", ("Calculation of prompt zebra production cross sections", ("A. Beéch", "C. D. Elm"), DAY(2007, 4, 2), "arxiv:0704.9901", "https://arxiv.org/abs/0704.9901"), "A fully differential calculation of stripes is presented for", "at water holes."),
        ("openreview.json", ("An OpenReview note", ("Ada B",), None, None, "https://openreview.net/forum?id=abc"), ZEBRAS, "phone."),
        ("openreview-v1.jsonl", ("Faster GAN by example v1", (), None, None, "https://openreview.net/forum?id=1Fqg133qRaI"), ROUTERS, "points."),
        ("contents.jsonl", ("History of Routers", (), None, None, None), "In 1969 the first router was built.", "points."),
        ("summary.jsonl", ("HF style record with summary", (), DAY(2024, 1, 2), "arxiv:2401.00001", "https://arxiv.org/abs/2401.00001"), ROUTERS, "points."),
        ("listtitle.jsonl", ("Crossref title list", (), DAY(2022, 6, 1), "doi:10.3390/biom12060824", "https://doi.org/10.3390/biom12060824"), ROUTERS, "We use E. coli at 10 < x & y, H2O."),
        ("jats.jsonl", ("In vivo zebra counting", (), None, None, None), "Background: Zebras & horses.", "x < 0.05; H2O."),
        ("date-rfc.jsonl", ("Dates of routing papers rfc", (), DAY(2007, 4, 2), None, None), ROUTERS, "points."),
        ("date-year.jsonl", ("Dates of routing papers year", (), DAY(2018, 1, 1), None, None), ROUTERS, "points."),
        ("date-ym.jsonl", ("Dates of routing papers ym", (), DAY(2024, 5, 1), None, None), ROUTERS, "points."),
        ("utf16.jsonl", ("FooBarNet: Counting Zebras", (), None, None, None), ZEBRAS, "phone."),
        ("latin1.jsonl", ("FooBarNet: Counting Zebras", (), None, None, None), ZEBRAS, "naïve Bayés"),
        ("nul.jsonl", ("FooBarNet: Counting Zebras", (), None, None, None), ZEBRAS, "phone. end"),
        ("zh.jsonl", ("斑马计数方法", (), None, None, None), "我们提出一种", "准确率。"),
        ("ar.jsonl", ("عد الحمير الوحشية", (), None, None, None), "نقدم", "البيانات."),
        ("math.jsonl", ("Bounds on $\\ell_p$ zebras", (), None, None, None), "We prove that $", "\\url{https://x.org}."),
        ("md-title.jsonl", ("**Bold** [click](http://evil.example) <@123> @everyone: a title", (), None, None, None), "# Heading", "points."),
        ("v1.jsonl", ("Router study", (), None, "arxiv:2301.00001", "https://arxiv.org/abs/2301.00001"), "We study routers. The first", "points."),
        ("v2.jsonl", ("Router study", (), None, "arxiv:2301.00001", "https://arxiv.org/abs/2301.00001"), "We study routers. The second", "points."),
        ("long.jsonl", ("A very long abstract", (), None, None, None), ZEBRAS, "phone."),
    ],
)  # fmt: skip
def test_a_file_of_one_paper_gives_all_of_it(name: str, expected: tuple[object, ...], begins: str, ends: str) -> None:
    source = read(name)
    paper = only(source)
    assert told(paper) == expected
    assert paper.paper.abstract.startswith(begins)
    assert paper.paper.abstract.endswith(ends)
    assert source.left_out.count == 0


def test_the_facts_beside_are_kept() -> None:
    kaggle = only(read("kaggle.jsonl"))
    assert (kaggle.version, kaggle.categories) == (1, ("hep-ph",))
    assert "doi:10.1103/physrevd.00.000000" in kaggle.external_ids
    assert "doi:10.1/xyz" in only(read("s2.jsonl")).external_ids
    assert only(read("summary.jsonl")).upvotes == 12
    assert only(read("atom.xml")).version == 2


def test_what_was_guessed_or_left_out_is_remarked() -> None:
    assert '"Abstract Note" as abstract' in read("zotero.csv").remarks[0]
    assert "read as UTF-16" in read("utf16.jsonl").remarks[0]
    assert "line 1 is not UTF-8; read as CP1252" in read("latin1.jsonl").remarks[0]
    assert "null character" in read("nul.jsonl").remarks[0]


def test_files_of_several_papers_give_each() -> None:
    assert [paper.paper.title for paper in fetched(read("array.json").papers)] == [
        "FooBarNet: Counting Zebras",
        "Second: Zebras at Night",
    ]
    assert [paper.paper.abstract for paper in fetched(read("empty_abs.jsonl").papers)] == ["", ""]


@pytest.mark.parametrize("name", ["README.md"])
def test_notes_are_no_papers_and_what_can_be_read_is_named(name: str) -> None:
    with pytest.raises(BadInputError, match=r"no kind of file.*BibTeX \(\.bib\).*JSON Lines") as error:
        read(name)
    assert "as a page dump" not in str(error.value)


@pytest.mark.parametrize(
    ("names", "abstracts"),
    [
        (["arxiv-url-id.jsonl"], 1),
        (["dup.jsonl"], 1),
        (["same-title.jsonl"], 2),
        (["same-title.jsonl", "same-title.jsonl"], 2),
        # one of arXiv and its duplicate, two introductions and two editorials
        (["dupes.jsonl"], 5),
        (["dupes.jsonl", "dupes.jsonl"], 5),
        (["refs.bib", "zotero.csv"], 1),
    ],
)
async def test_a_paper_is_one_under_all_its_spellings_and_two_of_one_title_are_two(
    names: list[str], abstracts: int, catalogue: Catalogue
) -> None:
    for name in names:
        await catalogue.add(read(name).papers)
    assert (await catalogue.counts()).papers == abstracts


@pytest.mark.parametrize("names", [["v1.jsonl", "v2.jsonl"], ["v2.jsonl", "v1.jsonl"], ["v2v1-one-file.jsonl"]])
async def test_the_newer_version_stays_in_whatever_order(names: list[str], catalogue: Catalogue) -> None:
    for name in names:
        await catalogue.add(read(name).papers)
    paper = (await catalogue.get(["arxiv:2301.00001"]))["arxiv:2301.00001"]
    assert "9.9% of tokens" in paper.abstract


async def test_what_a_row_lacks_erases_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    await catalogue.add(read("refs.bib").papers)
    bare = tmp_path / "bare.jsonl"
    bare.write_text(json.dumps({"title": "FooBarNet: counting zebras", "doi": "https://doi.org/10.1/ABC"}))
    await catalogue.add(open_source(str(bare)).papers)
    details = (await catalogue.known(["doi:10.1/abc"]))["doi:10.1/abc"].details
    assert details.authors == ("Ada B", "C D")
    assert details.paper.published == DAY(2024, 1, 1)
    assert details.paper.abstract.startswith(ZEBRAS)


BIB = r"""
@comment{jabref-meta: databaseType:biblatex;}
@string{acl = "Proceedings of ACL"}
@inproceedings{tulu,
  author    = {M{\"u}ller, J{\"o}rg and {The AllenAI Team} and others},
  title     = "T{\"u}lu 3: {P}ushing {RLHF} -- a \{new\} way",
  booktitle = acl, year = 2024, month = nov,
  eprint = {2411.15124v2}, archiveprefix = {arXiv},
  url = {https://aclanthology.org/2024.x-1.1},
}
@article{second, title = {Second}, date = {2023-04/2023-05}, doi = {https://doi.org/10.1000/a\_b}}
"""
RIS = "\ufeffTY  - CPAPER\r\nT1  - First of RIS\r\nN2  - Its abstract.\r\nA1  - King, Martin\r\nDA  - 2021/03/09/\r\nUR  - https://example.org/a\r\nER  - \r\n\r\nTY  - JOUR\r\nTI  - Cut off"
SCOPUS = '"Authors","Author full names","Title","Year","Source title","DOI","Link","Abstract"\n"Li W.","Li, Wei (57)","A Scopus row","2020","J. of X","10.1016/j.x.2020.01.001","https://www.scopus.com/x","Text, with comma."\n'
PUBMED = """<?xml version="1.0"?><!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "http://x.invalid/pubmed.dtd">
<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">31</PMID><Article><Journal><JournalIssue><PubDate><Year>2019</Year>
<Month>Mar</Month></PubDate></JournalIssue></Journal><ArticleTitle>Role of <i>Tp53</i> in H<sub>2</sub>O.</ArticleTitle>
<Abstract><AbstractText Label="METHODS">We &lt;tried&gt; it.</AbstractText><AbstractText Label="RESULTS">It worked.</AbstractText></Abstract>
<AuthorList><Author><LastName>Curie</LastName><ForeName>Marie</ForeName></Author><Author><CollectiveName>The Group</CollectiveName></Author></AuthorList>
</Article></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.1000/pm</ArticleId></ArticleIdList></PubmedData></PubmedArticle>"""
JATS = """<article xmlns:mml="http://www.w3.org/1998/Math/MathML"><front><article-meta><article-id pub-id-type="pmid">7</article-id>
<article-id pub-id-type="doi">10.1000/j</article-id><title-group><article-title>On <italic>E. coli</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Koch</surname><given-names>Robert</given-names></name></contrib>
<contrib contrib-type="editor"><name><surname>No</surname></name></contrib></contrib-group>
<pub-date pub-type="ppub"><year>2021</year></pub-date><pub-date pub-type="epub"><day>3</day><month>2</month><year>2020</year></pub-date>
<abstract abstract-type="graphical"><p>Picture.</p></abstract><abstract><title>Abstract</title><p>One.</p><p>Two <mml:math><mml:mi>x</mml:mi></mml:math>.</p></abstract>
</article-meta></front><body><p>Not this.</p></body></article>"""
DC = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header status="deleted"><identifier>oai:z:1</identifier></header></record>
<record><header><identifier>oai:zenodo.org:2</identifier><datestamp>2022-01-01</datestamp></header><metadata>
<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Dublin</dc:title>
<dc:creator>Joyce, James</dc:creator><dc:date>2021-06-16</dc:date><dc:description>A day &amp; a night.</dc:description>
<dc:identifier>https://doi.org/10.5281/zenodo.2</dc:identifier></oai_dc:dc></metadata></record></ListRecords></OAI-PMH>"""
RAW = """<OAI-PMH><ListRecords><record><header><identifier>oai:arXiv.org:0704.0001</identifier></header><metadata><arXivRaw><id>0704.0001</id>
<version version="v1"><date>Mon, 02 Apr 2007 19:18:42 GMT</date></version><version version="v2"><date>Tue, 24 Jul 2007 20:10:27 GMT</date></version>
<title>Raw\n  title</title><authors>C. Bal\\'azs, E. L. Berger</authors><categories>hep-ph hep-ex</categories><abstract>  Wrapped\nlines.\n</abstract></arXivRaw></metadata></record></ListRecords></OAI-PMH>"""
RSS = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>J</title><item><title>An RSS item</title><link>https://example.org/rss</link>
<description>&lt;p&gt;It says &lt;b&gt;so&lt;/b&gt;.&lt;/p&gt;</description><dc:creator>Ann Other</dc:creator><pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate></item></channel></rss>"""
OPENALEX = {
    "results": [
        {
            "id": "https://openalex.org/W1",
            "display_name": "Of OpenAlex",
            "doi": "https://doi.org/10.1000/oa",
            "publication_date": "2022-02-03",
            "publication_year": 2022,
            "authorships": [{"author": {"display_name": "Grace Hopper"}}],
            "abstract_inverted_index": {"The": [0, 2], "bug": [1], "moth.": [3]},
            "ids": {"openalex": "https://openalex.org/W1"},
            "primary_location": {"landing_page_url": "https://doi.org/10.1000/oa"},
        }
    ]
}
ZOTERO = [
    {
        "key": "AB",
        "data": {
            "title": "Of Zotero",
            "abstractNote": "Noted.",
            "creators": [
                {"creatorType": "author", "firstName": "Ada", "lastName": "Lovelace"},
                {"creatorType": "editor", "name": "No"},
            ],
            "date": "May 31, 2021",
            "DOI": "10.1000/z",
            "url": "",
        },
    }
]
CROSSREF = {
    "message": {
        "items": [
            {
                "DOI": "10.1000/c",
                "title": ["Of Crossref"],
                "abstract": "<jats:sec><jats:title>Aim</jats:title><jats:p>To see.</jats:p></jats:sec>",
                "author": [{"given": "Alan", "family": "Turing"}],
                "issued": {"date-parts": [[1950, 10]]},
                "URL": "https://doi.org/10.1000/c",
            }
        ]
    }
}
HF = [
    {
        "paper": {
            "id": "2405.00001",
            "title": "Of HF",
            "summary": "Hard.",
            "authors": [{"name": "A B", "hidden": False}, {"name": "C D", "hidden": True}],
            "publishedAt": "2024-05-01T00:00:00.000Z",
            "upvotes": 3,
            "githubRepo": "https://github.com/a/b",
        },
        "title": "Of HF",
        "numComments": 1,
    }
]
OPENREVIEW = {
    "notes": [
        {
            "id": "x",
            "forum": "f1",
            "cdate": 1695900000000,
            "content": {
                "title": {"value": "Of OpenReview"},
                "abstract": {"value": "Reviewed."},
                "authors": {"value": ["A B"]},
                "keywords": {"value": ["k"]},
            },
        }
    ]
}


@pytest.mark.parametrize(
    ("name", "text", "expected", "abstract"),
    [
        ("a.bib", BIB, [("Tülu 3: Pushing RLHF – a {new} way", ("Jörg Müller", "The AllenAI Team"), DAY(2024, 11, 1), "arxiv:2411.15124", "https://aclanthology.org/2024.x-1.1"), ("Second", (), DAY(2023, 4, 1), "doi:10.1000/a_b", "https://doi.org/10.1000/a_b")], ""),
        ("refs.txt", BIB, None, ""),
        ("a.ris", RIS, [("First of RIS", ("Martin King",), DAY(2021, 3, 9), None, "https://example.org/a"), ("Cut off", (), None, None, None)], "Its abstract."),
        ("download", RIS, None, "Its abstract."),
        ("scopus.csv", SCOPUS, [("A Scopus row", ("Wei Li",), DAY(2020, 1, 1), "doi:10.1016/j.x.2020.01.001", "https://doi.org/10.1016/j.x.2020.01.001")], "Text, with comma."),
        ("pm.xml", PUBMED + "</PubmedArticleSet>", [("Role of Tp53 in H2O.", ("Marie Curie", "The Group"), DAY(2019, 3, 1), "doi:10.1000/pm", "https://doi.org/10.1000/pm")], "METHODS: We <tried> it.\n\nRESULTS: It worked."),
        ("j.nxml", JATS, [("On E. coli", ("Robert Koch",), DAY(2020, 2, 3), "doi:10.1000/j", "https://doi.org/10.1000/j")], "One.\n\nTwo x."),
        ("dc.xml", DC, [("Dublin", ("James Joyce",), DAY(2021, 6, 16), "doi:10.5281/zenodo.2", "https://doi.org/10.5281/zenodo.2")], "A day & a night."),
        ("raw.xml", RAW, [("Raw title", ("C. Bal\\'azs", "E. L. Berger"), DAY(2007, 4, 2), "arxiv:0704.0001", "https://arxiv.org/abs/0704.0001")], "Wrapped lines."),
        ("rss.xml", RSS, [("An RSS item", ("Ann Other",), DAY(2024, 3, 5), None, "https://example.org/rss")], None),
        ("oa.json", json.dumps(OPENALEX), [("Of OpenAlex", ("Grace Hopper",), DAY(2022, 2, 3), "doi:10.1000/oa", "https://doi.org/10.1000/oa")], "The bug The moth."),
        ("zotero.json", json.dumps(ZOTERO, indent=1), [("Of Zotero", ("Ada Lovelace",), DAY(2021, 5, 31), "doi:10.1000/z", "https://doi.org/10.1000/z")], "Noted."),
        ("crossref.json", json.dumps(CROSSREF), [("Of Crossref", ("Alan Turing",), DAY(1950, 10, 1), "doi:10.1000/c", "https://doi.org/10.1000/c")], "Aim\n\nTo see."),
        ("hf.json", json.dumps(HF), [("Of HF", ("A B",), DAY(2024, 5, 1), "arxiv:2405.00001", "https://arxiv.org/abs/2405.00001")], "Hard."),
        ("or.json", json.dumps(OPENREVIEW), [("Of OpenReview", ("A B",), DAY(2023, 9, 28), None, "https://openreview.net/forum?id=f1")], "Reviewed."),
        ("semicolons.csv", "Titel;Title;Date\nx;Semi; 31/05/2020\n", [("Semi", (), DAY(2020, 5, 31), None, None)], ""),
    ],
)  # fmt: skip
def test_real_exports_are_read(
    name: str, text: str, expected: list[tuple[object, ...]] | None, abstract: str | None, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode())
    papers: list[Any] = list(open_source(str(file)).papers)
    if expected is not None:
        assert [told(paper) for paper in papers] == expected
    assert papers
    assert abstract is None or papers[0].paper.abstract == abstract
    for packed, data in ((f"{name}.gz", gzip.compress(text.encode())), ("all.zip", _zip({name: text.encode()}))):
        (tmp_path / packed).write_bytes(data)
        assert open_source(str(tmp_path / packed)).papers == tuple(papers)


def test_parquet_is_read_by_its_columns_packed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {
            "title": "One",
            "abstract": "So it is.",
            "authors": ["Jane Doe"],
            "published": dt.datetime(2024, 5, 31, 8, tzinfo=dt.UTC),
        },
        {"title": None, "abstract": None, "authors": [], "published": None},
        {"title": "Two", "abstract": "And so.", "authors": ["Roe, Richard"], "published": None},
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    packed = gzip.compress((tmp_path / "a.parquet").read_bytes())
    (tmp_path / "b.parquet.gz").write_bytes(packed)
    for name in ("a.parquet", "b.parquet.gz"):
        source = open_source(str(tmp_path / name))
        one, two = source.papers
        assert isinstance(one, Fetched)
        assert (one.paper.title, one.authors, one.paper.published) == ("One", ("Jane Doe",), DAY(2024, 5, 31))
        assert isinstance(two, Fetched)
        assert two.paper.abstract == "And so."
        assert "row 2" in source.left_out.first[0]
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-40])
    with pytest.raises(BadInputError, match="cannot be read as Parquet"):
        open_source(str(tmp_path / "c.parquet"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInputError, match=r"pip install 'footnote\[parquet\]'"):
        open_source(str(tmp_path / "a.parquet"))


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "text", "taken"),
    [
        ("cut.bib", BIB + "@article{third, title = {Never clos", 2),
        ("cut.json", json.dumps(ZOTERO * 2)[:-40], 1),
        ("cut.xml", PUBMED + "<PubmedArticle><Medline", 1),
        ("cut.jsonl", '{"title": "One", "text": "Whole."}\n{"title": "Tw', 1),
        ("short.csv", "id,title,abstract\n1,One,Text\n2\n", 1),
    ],
)
def test_what_stands_before_a_cut_is_taken_and_the_cut_is_named(
    name: str, text: str, taken: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    source = open_source(str(tmp_path / name))
    assert len(source.papers) == taken
    assert source.left_out.count == 1
    assert name in source.left_out.first[0]
    with pytest.raises(BadInputError):
        open_source(str(tmp_path / name), strict=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.bib", "@article{a, title = {A}, journal = {Nature {M}ethods \\& More}}"),
        ("b.bib", "@inproceedings{a, title = {A}, booktitle = {Nature Methods \\& More}}"),
        ("a.ris", "TY  - JOUR\nTI  - A\nJO  - Nature Methods & More\nER  - \n"),
        ("b.ris", "TY  - JOUR\nTI  - A\nT2  - Nature Methods & More\nER  - \n"),
        ("a.csv", "Title,Publication Title\nA,Nature Methods & More\n"),
        ("csl.json", '[{"title": "A", "container-title": ["Nature Methods &amp; More"]}]'),
        ("s2.jsonl", '{"title": "A", "venue": "", "journal": {"name": "Nature Methods & More", "volume": "1"}}'),
        ("oa.jsonl", '{"title": "A", "primary_location": {"source": {"display_name": "Nature Methods & More"}}}'),
        ("or.json", '{"notes": [{"id": "x", "content": {"title": "A", "venue": {"value": "Nature Methods & More"}}}]}'),
        ("arxiv.jsonl", '{"id": "0704.0001", "title": "A", "abstract": "B.", "journal-ref": "Nature Methods & More"}'),
        (
            "pubmed.xml",
            (
                "<PubmedArticle><MedlineCitation><Article><Journal><Title>Nature Methods &amp; More</Title></Journal>"
                "<ArticleTitle>A</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
            ),
        ),
        (
            "jats.xml",
            (
                "<article><front><journal-meta><journal-title-group><journal-title>Nature Methods &amp; More"
                "</journal-title></journal-title-group></journal-meta><article-meta><title-group><article-title>A"
                "</article-title></title-group></article-meta></front></article>"
            ),
        ),
    ],
)
def test_where_a_paper_was_published_is_kept(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert only(open_source(str(tmp_path / name))).venue == "Nature Methods & More"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "cp1252", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.bib", "a.ris", "a.csv"])
def test_encodings_are_told_apart(encoding: str, name: str, tmp_path: Path) -> None:
    texts = {
        "a.jsonl": '{"title": "Größe und naïve Bäume", "text": "So is it."}\n',
        "a.bib": "@misc{a, title = {Größe und naïve Bäume}}\n",
        "a.ris": "TY  - JOUR\nTI  - Größe und naïve Bäume\nER  - \n",
        "a.csv": "title,year\nGröße und naïve Bäume,2020\n",
    }
    (tmp_path / name).write_bytes(texts[name].encode(encoding))
    assert only(open_source(str(tmp_path / name))).paper.title == "Größe und naïve Bäume"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.pdf", b"%PDF-1.7\n", "it is a damaged PDF; get it anew, or print it to a new PDF.$"),
        ("a.bib", b"nothing at all", "no entries such as @article"),
        ("a.csv", b"when,where\n1,2\n", "names no column for the title"),
        ("a.html", b"<html><body><p>Hello</p></body></html>", "it is a web page"),
        ("a.xml", b"<svg><path/></svg>", "XML of another kind"),
        ("a.json", b"{", "it is not JSON"),
        ("a.txt", b"# Notes\n\n" + b"We write down what we did, and then something else, at length. " * 5, "does not look like a page"),
        ("a.zip", _zip({"x.jsonl": b"0" * (64 << 20)}), "unpacks to far more than text does|longer than"),
        ("a.bib.gz", gzip.compress(b" " * (64 << 20)), "unpacks to far more than text does"),
        ("a.zip", b"PK\x03\x04 cut", "not a whole zip"),
        ("bomb.xml", b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]><PubmedArticleSet><PubmedArticle><x>&b;</x></PubmedArticle></PubmedArticleSet>', "missing or empty"),
    ],
)  # fmt: skip
def test_what_holds_no_papers_is_refused_with_its_reason(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInputError, match=reason):
        open_source(str(tmp_path / name))


def test_a_folder_is_read_past_what_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text(BIB)
    (tmp_path / "b.jsonl").write_text("{")
    (tmp_path / "notes.txt").write_text("# Notes\n\nno papers here")
    (tmp_path / "README.md").write_text("# Notes")
    source = open_source(str(tmp_path))
    assert (len(source.papers), source.left_out.count) == (2, 2)


def test_lines_longer_than_what_is_looked_at_are_lines_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "download.json"
    file.write_text("".join(json.dumps({"title": name, "text": "word " * 15_000}) + "\n" for name in ("One", "Two")))
    assert len(open_source(str(file)).papers) == 2


def test_a_search_elsewhere_is_no_link_of_a_paper(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"title": "My own", "text": "Mine.", "url": "https://huggingface.co/papers?q=My+own"}))
    assert only(open_source(str(file))).paper.url is None


def test_mathematics_is_read_with_its_operators_apart() -> None:
    shown = clean(only(read("math.jsonl")).paper.abstract)
    assert "for all x ∈ R^n" in shown
    assert "improves on. a=b Code: https://x.org" in shown
    assert clean("w.r.t.~the $n \\to \\infty$ limit") == "w.r.t. the n → ∞ limit"


EXPORTS = [each.read_bytes() for each in sorted((CASES.parent / "exports").iterdir())]
NAMES = ["a", "a.txt", "a.bib", "a.ris", "a.csv", "a.json", "a.jsonl", "a.xml", "a.gz", "a.zip"]
SEEDS = [b"", BIB.encode(), RIS.encode(), SCOPUS.encode(), PUBMED.encode(), JATS.encode(), DC.encode(), RSS.encode(), json.dumps(HF).encode(), gzip.compress(BIB.encode()), _zip({"a.bib": BIB.encode()}), *EXPORTS]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.sampled_from(NAMES), st.sampled_from(SEEDS), st.binary(max_size=60), st.integers(0, 2000), st.integers(0, 60))
def test_whatever_the_bytes_only_the_sources_own_error_comes(
    tmp_path: Path, name: str, seed: bytes, noise: bytes, at: int, gone: int
) -> None:
    file = tmp_path / name
    file.write_bytes(seed[:at] + noise + seed[at + gone :])
    try:
        papers = open_source(str(file)).papers
    except BadInputError:
        return
    assert papers


def test_markup_is_kept_beside_the_text_that_is_read_from_it(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    raw = "<jats:p>Growth <i>in vivo</i> &amp; in vitro.</jats:p>"
    rows = [{"title": "On <i>E. coli</i>", "abstract": raw}, {"title": "x < y", "abstract": "Plain & simple."}]
    file.write_text("\n".join(map(json.dumps, rows)))
    marked, plain = open_source(str(file)).papers
    assert isinstance(marked, Fetched)
    assert (marked.paper.title, marked.paper.abstract) == ("On E. coli", "Growth in vivo & in vitro.")
    assert (marked.raw_title, marked.raw_abstract) == ("On <i>E. coli</i>", raw)
    assert isinstance(plain, Fetched)
    assert (plain.raw_title, plain.raw_abstract) == (None, None)


def test_fields_that_look_like_what_papers_lack_are_named_once(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    row = {"title": "One", "body": "word " * 60, "appeared": "2024-05-31", "preprint": "arXiv:2401.12345", "note": "n"}
    full = {
        "title": "Two",
        "text": "So.",
        "body": "word " * 60,
        "year": 2024,
        "doi": "10.1234/5",
        "appeared": "2024-05-31",
    }
    file.write_text("\n".join(map(json.dumps, [row, row, full])))
    remarks = open_source(str(file)).remarks
    assert [remark.split('"')[1] for remark in remarks] == ["body", "appeared", "preprint"]
    assert remarks[0].endswith("rename it to abstract, published, doi or arxiv_id.")
    file.write_text(json.dumps(full))
    assert open_source(str(file)).remarks == ()
