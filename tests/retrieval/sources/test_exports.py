"""Files as programs and services export them, each with the papers that it must give; exports/ was made here (CC0).

Each has the form of the program that it is named after: its fields and their order, preambles, quirks and encodings.
"""

# ruff: noqa: E501  # what each paper must be on one line

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrieval.errors import BadInputError
from retrieval.sources import open_source, stream_source
from retrieval.sources.choice import Choice
from tests.papers import fetched

if TYPE_CHECKING:
    from retrieval.catalogue.catalogue import Catalogue
    from retrieval.sources.fetched import Fetched

EXPORTS = Path(__file__).parent / "exports"
DAY = dt.date

# Title, authors, day, id, link, venue and abstract of each paper.
EXPECTED: dict[str, list[tuple[object, ...]]] = {
    "acl.bib": [
        ("Naming Ferries with Transformers: à la carte", ("Edith Rowan", "Jürgen Möller", "An Nguyễn"), DAY(2021, 8, 1), "doi:10.5555/v1/2021.ferry-long.9", "https://aclanthology.org/2021.ferry-long.9/", "Proceedings of the 99th Annual Meeting on Ferries (Volume 1: Long Papers)", "Ferries are named by a model that has read all rivers. It names 7 of 10 as people do."),
    ],
    "ads.bib": [
        ("Street Lamps Seen from Orbit at λ = 589 nm", ("Yin Hu", "Jeanne d'Arc", "Lamp Collaboration"), DAY(2019, 9, 1), "arxiv:1909.99994", "https://arxiv.org/abs/1909.99994", "apj", ""),
    ],
    "arxiv-api.xml": [
        ("LanternNet: Looking in the Dark with Few Labels", ("Liv Ødegård", "María De La Cruz"), DAY(2022, 6, 14), "arxiv:2206.99991", "https://arxiv.org/abs/2206.99991", "Dim Images 3 (2022) 12", "We find lanterns in dim images, for $x<2$. It is dark."),
    ],
    "arxiv.bib": [
        ("Moss Records: Growing a Memory of n Steps in O(log n) Space", ("Ida Greenwood", "Ali Pathmore"), DAY(2024, 1, 1), "arxiv:2405.99993", "https://arxiv.org/abs/2405.99993", None, ""),
    ],
    "arxiv.rss.xml": [
        ("Naming Ferries: $f<g$", ("Edith Rowan", "An Nguyễn"), DAY(2024, 1, 5), "arxiv:2401.99998", "https://arxiv.org/abs/2401.99998", None, "Ferries are named by a model that has read all rivers."),
    ],
    "better-csl.json": [
        ("Umbrellas left behind", ("Hana Gale",), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://doi.org/10.5555/lpq.9", "Lost Property Quarterly", ""),
    ],
    "biorxiv.json": [
        ("Humming and sleep in shift workers", ("A. Lull", "B. C. Doze"), DAY(2022, 1, 4), "doi:10.1101/2022.01.02.999999", "https://doi.org/10.1101/2022.01.02.999999", None, "People hum, and sleep."),
    ],
    "biorxiv.rdf.xml": [
        ("Humming and sleep in shift workers", ("A. Lull", "B. C. Doze"), DAY(2022, 1, 4), "doi:10.1101/2022.01.02.999999", "http://biorxiv.example/cgi/content/short/2022.01.02.999999v1?rss=1", None, "People hum, and sleep."),
    ],
    "crossref-list.json": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm", "The Umbrella Group"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "http://dx.doi.org/10.5555/lpq.9", "Lost Property Quarterly", "We followed 600 umbrellas & 3 parasols."),
    ],
    "crossref-work.json": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm", "The Umbrella Group"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "http://dx.doi.org/10.5555/lpq.9", "Lost Property Quarterly", "We followed 600 umbrellas & 3 parasols."),
    ],
    "crossref.bib": [
        ("How long a candle remembers a draught", ("Nora Brightwater", "Tom Fenwick"), DAY(2020, 5, 1), "doi:10.5555/flames.77", "http://dx.doi.org/10.5555/flames.77", "Annals of Small Flames", ""),
    ],
    "datacite.json": [
        ("Umbrellas left behind: data", ("Hana Gale", "The Umbrella Group"), DAY(2017, 1, 1), "doi:10.5555/zenodo.99", "https://zenodo.example/record/99", None, "Tracks of 600 umbrellas."),
    ],
    "dblp.bib": [
        ("Elevators That Learn to Wait", ("Jo Stairwell", "Mia Lift", "Wei Wang 0042"), DAY(2019, 1, 1), "doi:10.5555/isvt.2019.8700001", "https://doi.org/10.5555/ISVT.2019.8700001", "Vertical Transport, ISVT 2019, Nowhere, April 8-11, 2019", ""),
    ],
    "dblp.json": [
        ("Elevators That Learn to Wait.", ("Jo Stairwell", "Mia Lift"), DAY(2019, 1, 1), "doi:10.5555/isvt.2019.8700001", "https://doi.org/10.5555/ISVT.2019.8700001", "ISVT", ""),
    ],
    "dimensions.csv": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://lpq.example.org/9", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "ebsco.ris": [
        ("Umbrellas left behind.", ("H. Gale",), DAY(2017, 1, 1), None, "https://search.ebscohost.example/login.aspx?direct=true&db=a9h&AN=123456789&site=ehost-live", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "endnote.ris": [
        ("Clocks that are set by the tide", ("P. Q. Marsh", "The Tidal Clock Consortium"), DAY(2019, 6, 1), "doi:10.5555/tides.19", "https://doi.org/10.5555/tides.19", "Harbour Letters", "We set clocks by the tide for a year. They were eleven minutes wrong at worst."),
    ],
    "europe-pmc.json": [
        ("Humming and sleep in shift workers: a trial.", ("Anna Lull", "The Doze Group"), DAY(2022, 1, 2), "doi:10.5555/jim.22.1", "https://doi.org/10.5555/jim.22.1", None, "Background\n\nPeople hum.\n\nResults\n\nThey sleep."),
    ],
    "excel.csv": [
        ("Wörter; und andere Dinge", ("Jörg Müller",), DAY(2015, 1, 1), None, None, None, "Ein Aufsatz über Wörter."),
    ],
    "ieee.csv": [
        ("Elevators That Learn to Wait", ("J. Stairwell", "M. Lift"), DAY(2019, 1, 1), "doi:10.5555/isvt.2019.8700001", "https://doi.org/10.5555/ISVT.2019.8700001", "2019 International Symposium on Vertical Transport (ISVT)", "An elevator that waits two seconds longer serves more people. We learn when to wait."),
    ],
    "ieee.ris": [
        ("Elevators That Learn to Wait", ("J. Stairwell", "M. Lift"), DAY(2019, 1, 1), "doi:10.5555/isvt.2019.8700001", "https://doi.org/10.5555/ISVT.2019.8700001", "2019 International Symposium on Vertical Transport (ISVT)", "An elevator that waits two seconds longer serves more people. We learn when to wait."),
    ],
    "inspire.json": [
        ("Neutrinos in the rain", ("Hana Gale",), DAY(2017, 4, 1), "arxiv:1704.99996", "https://arxiv.org/abs/1704.99996", None, "We look for $\\nu_\\mu$ in rain."),
    ],
    "jabref.bib": [
        ("Clocks that are set by the tide", ("P. Q. Marsh", "The Tidal Clock Consortium"), DAY(2019, 6, 1), "doi:10.5555/tides.19", "https://doi.org/10.5555/tides.19", "Harbour Letters", "We set clocks by the tide for a year. They were eleven minutes wrong at worst."),
    ],
    "jats-1.0.xml": [
        ("Naïve waiters: A café study", ("René Café",), DAY(2015, 7, 8), "doi:10.5555/cafe.1", "https://doi.org/10.5555/cafe.1", "Journal of Cafés", "Waiters carry four cups."),
    ],
    "jstor.ris": [
        ("On the Names of Ferries", ("Edith Rowan",), DAY(1998, 1, 1), None, "http://www.jstor.org/stable/99999999", "Coastal Folklore", "Ferries are named after what they cross in one case of three."),
    ],
    "lens.csv": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://doi.org/10.5555/lpq.9", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "mendeley.bib": [
        ("Smelling smoke by ear", ("Tom Fenwick", "Nora Brightwater"), DAY(2018, 1, 1), "arxiv:1803.99992", "http://arxiv.org/abs/1803.99992", None, "We train networks to smell smoke from the sound of a fire; they are right in 91% of cases."),
    ],
    "mendeley.ris": [
        ("How long a candle remembers a draught", ("Nora Brightwater", "Tom Fenwick"), DAY(2020, 1, 1), "doi:10.5555/flames.77", "http://flames.example.org/77", "Annals of Small Flames", "A candle that was blown at once burns 4 % faster for an hour. We ask why."),
    ],
    "oai-arxiv.xml": [
        ("LanternNet: Looking in the Dark with Few Labels", ("Liv Ødegård", "Martin King Jr."), DAY(2022, 6, 14), "arxiv:2206.99991", "https://arxiv.org/abs/2206.99991", "Dim Images 3 (2022) 12", "We find lanterns in dim images. It is dark."),
    ],
    "oai-dc.xml": [
        ("Clocks that are set by the tide", ("P. Q. Marsh", "The Tidal Clock Consortium"), DAY(2019, 6, 1), "doi:10.5555/tides.19", "https://repo.example.org/77", None, "We set clocks by the tide for a year. They were eleven minutes wrong at worst."),
    ],
    "openalex-list.json": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://doi.org/10.5555/lpq.9", "Lost Property Quarterly", "We followed umbrellas."),
    ],
    "openalex.csv": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://doi.org/10.5555/lpq.9", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "openreview-v1.json": [
        ("Umbrella Sampling, Literally", ("Hana Gale", "Bo Storm"), DAY(2021, 9, 29), None, "https://openreview.net/forum?id=aB3-_xYz01", "Rain 2023 poster", "We sample umbrellas.\n\nThey are wet."),
    ],
    "openreview-v2.json": [
        ("Umbrella Sampling, Literally", ("Hana Gale", "Bo Storm"), DAY(2024, 1, 16), None, "https://openreview.net/forum?id=aB3-_xYz01", "Rain 2024 oral", "We sample umbrellas."),
    ],
    "openreview.bib": [
        ("Umbrella Sampling, Literally", ("Hana Gale", "Bo Storm"), DAY(2023, 1, 1), None, "https://openreview.net/forum?id=aB3-_xYz01", "The Eleventh Conference on Representing Rain", ""),
    ],
    "papers-with-code.json": [
        ("Umbrella Sampling, Literally", ("Hana Gale", "Bo Storm"), DAY(2023, 1, 31), "arxiv:2301.99997", "https://arxiv.org/abs/2301.99997", "Rain 2023 1", "We sample umbrellas."),
    ],
    "pmc.xml": [
        ("Humming and sleep: a randomised trial", ("Anna B Lull", "The Nap Group"), DAY(2022, 1, 2), "doi:10.5555/jim.22.1", "https://doi.org/10.5555/jim.22.1", "Journal of Imaginary Medicine", "Background\n\nPeople hum[1].\n\nResults\n\nThey sleep when p<0.05."),
    ],
    "publish-or-perish.csv": [
        ("On the names of ferries", ("E Rowan", "J Möller"), DAY(1998, 1, 1), None, "http://www.jstor.org/stable/99999999", None, "Ferries are named after what they cross in one case of three …"),
    ],
    "pubmed-full.xml": [
        ("Humming, CO2 and sleep in shift workers: a trial.", ("Anna B Lull", "Carl Doze Jr", "The Nap Group"), DAY(2022, 1, 2), "doi:10.5555/jim.22.1", "https://doi.org/10.5555/jim.22.1", "Journal of imaginary medicine", "BACKGROUND: People hum at p < 0.05.\n\nRESULTS: They sleep."),
        ("[On the hum of refrigerators].", ("K Kühl",), DAY(1987, 12, 1), None, "https://pubmed.ncbi.nlm.nih.gov/99000003/", "Zeitschrift", ""),
    ],
    "pubmed.csv": [
        ("Humming and sleep in shift workers: a trial.", ("Lull A", "Doze B", "Nap C."), DAY(2022, 1, 1), "doi:10.5555/jim.22.1", "https://doi.org/10.5555/jim.22.1", "J Imagin Med", ""),
    ],
    "sciencedirect.ris": [
        ("Moss as a record of footsteps", ("Ida Greenwood", "Ali Pathmore"), DAY(2020, 5, 1), "doi:10.5555/j.sloweco.2020.02.004", "https://www.sciencedirect.example/science/article/pii/S0000", "Slow Ecology", "Summary Moss keeps the mark of a step for nine days. We walked on it 4,000 times."),
    ],
    "scopus-full.csv": [
        ("Letters that were never sent: A corpus", ("Wanda Quill", "Bo Ink"), DAY(2021, 1, 1), "doi:10.5555/dc.2021.8", "https://doi.org/10.5555/dc.2021.8", "Digital Correspondence", "We gathered 3,000 letters that were never sent, and counted their beginnings. © 2021 Nobody Ltd"),
    ],
    "scopus.bib": [
        ("Letters that were never sent: A corpus", ("W. Quill", "B. Ink"), DAY(2021, 1, 1), "doi:10.5555/dc.2021.8", "https://doi.org/10.5555/dc.2021.8", "Digital Correspondence", "We gathered 3,000 letters that were never sent, and counted their beginnings. © 2021 Nobody Ltd"),
    ],
    "scopus.ris": [
        ("Letters that were never sent: A corpus", ("W. Quill", "B. Ink"), DAY(2021, 1, 1), "doi:10.5555/dc.2021.8", "https://doi.org/10.5555/dc.2021.8", "Digital Correspondence", "We gathered 3,000 letters that were never sent, and counted their beginnings. © 2021 Nobody Ltd"),
    ],
    "semantic-scholar-bulk.jsonl": [
        ("Umbrellas left behind", ("Hana Gale",), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://doi.org/10.5555/lpq.9", "Lost Property Quarterly", ""),
    ],
    "semantic-scholar-search.json": [
        ("Umbrellas left behind", ("Hana Gale", "Bo Storm"), DAY(2017, 4, 1), "arxiv:1704.99995", "https://arxiv.org/abs/1704.99995", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "springer.csv": [
        ("Ladders in the history of libraries", ("Anna Rung",), DAY(2021, 1, 1), "doi:10.5555/s0000-021-0001-2", "http://link.springer.example/article/10.5555/s0000-021-0001-2", "Shelving", ""),
    ],
    "wos-long.csv": [
        ("Seed exchange between balconies", ("Juana Perez", "Ngozi Okafor"), DAY(2018, 3, 1), "doi:10.5555/ub.18", "https://doi.org/10.5555/ub.18", "URBAN BOTANY", "Balconies within forty metres of each other exchange seeds by birds. We marked 900 seeds."),
    ],
    "wos.bib": [
        ("Seed exchange between balconies: a study of birds and baskets", ("Juana Perez", "Ngozi Okafor", "Wei Li"), DAY(2018, 3, 3), "doi:10.5555/ub.18", "https://doi.org/10.5555/ub.18", "URBAN BOTANY", "Balconies within forty metres of each other exchange seeds by birds. We marked 900 seeds."),
    ],
    "wos.ris": [
        ("SEED EXCHANGE BETWEEN BALCONIES", ("J Perez", "N Okafor"), DAY(2018, 3, 1), "doi:10.5555/ub.18", "https://doi.org/10.5555/ub.18", "URBAN BOTANY", "Balconies within forty metres of each other exchange seeds by birds. We marked 900 seeds."),
    ],
    "wos.txt": [
        ("Seed exchange between balconies", ("Juana Perez", "Ngozi Okafor"), DAY(2018, 3, 1), "doi:10.5555/ub.18", "https://doi.org/10.5555/ub.18", "URBAN BOTANY", 'Balconies within forty metres of each other exchange seeds by birds. We marked "900" seeds.'),
    ],
    "zenodo.json": [
        ("Umbrellas left behind: data", ("Hana Gale",), DAY(2017, 4, 1), "doi:10.5555/zenodo.99", "https://doi.org/10.5555/zenodo.99", None, "Tracks of 600 umbrellas."),
    ],
    "zotero-api.json": [
        ("Umbrellas left behind", ("Hana Gale", "The Umbrella Group"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://lpq.example.org/9", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "zotero-biblatex.bib": [
        ("LanternNet: Looking in the Dark with Few Labels", ("Liv Ødegård", "María De La Cruz", "José Núñez"), DAY(2022, 6, 14), "arxiv:2206.99991", "https://arxiv.org/abs/2206.99991", "Proceedings of the 3rd Workshop on Dim Images", "We find lanterns in images of ≤ 2% brightness, with F1 of 0.81."),
    ],
    "zotero-csl.json": [
        ("Umbrellas left behind", ("Hana Gale", "Jan van der Berg", "Martin King Jr.", "The Umbrella Group"), DAY(2017, 4, 1), "doi:10.5555/lpq.9", "https://lpq.example.org/9", "Lost Property Quarterly", "We followed 600 umbrellas from the day on which they were left on a train."),
    ],
    "zotero-full.csv": [
        ("Kettles that whistle in tune: a field study", ("Liv Ødegård", "Jan van der Berg"), DAY(2023, 11, 14), "doi:10.5555/jka.2023.114", "https://kettles.example.org/jka/114", "Journal of Kitchen Acoustics", "We recorded 212 kettles in 40 kitchens.\nHalf of them whistle within a semitone of each other."),
        ('LanternNet: "Looking" in the Dark', ("Liv Ødegård",), DAY(2022, 6, 14), "arxiv:2206.99991", "http://arxiv.org/abs/2206.99991", None, "Dim images, few labels."),
    ],
    "zotero.ris": [
        ("Kettles that whistle in tune: a field study", ("Liv Ødegård", "Jan van der Berg"), DAY(2023, 11, 14), "doi:10.5555/jka.2023.114", "https://kettles.example.org/jka/114", "Journal of Kitchen Acoustics", "We recorded 212 kettles in 40 kitchens. Half of them whistle within a semitone of each other."),
    ],
    "endnote.enw": [
        ("Clocks that are set by the tide", ("P. Q. Marsh", "The Tidal Clock Consortium"), DAY(2019, 6, 1), "doi:10.5555/tides.19", "https://harbour.example.org/19", "Harbour Letters", "We set clocks by the tide for a year. They were eleven minutes wrong at worst."),
        ("Elevators That Learn to Wait", ("Jo Stairwell",), DAY(2019, 1, 1), None, None, "Vertical Transport", ""),
    ],
    "endnote.xml": [
        ("Clocks that are set by the tide", ("P. Q. Marsh", "The Tidal Clock Consortium"), DAY(2019, 6, 1), "doi:10.5555/tides.19", "https://harbour.example.org/19", "Harbour Letters", "We set clocks by the tide for a year. They were eleven minutes wrong at worst."),
    ],
    "pubmed.nbib": [
        ("Humming and sleep in shift workers: a trial.", ("Anna B Lull", "Carl Doze", "The Nap Group"), DAY(2022, 3, 5), "doi:10.5555/jim.22.1", "https://doi.org/10.5555/jim.22.1", "Journal of imaginary medicine", "People hum. - We counted how often, and for how long."),
        ("[On the hum of refrigerators].", ("K Kühl",), DAY(1987, 12, 1), None, "https://pubmed.ncbi.nlm.nih.gov/99000003/", "Zeitschrift", ""),
    ],
    "wos.ciw": [
        ("Seed exchange between balconies: a study of birds and baskets", ("Juana Perez", "Ngozi Okafor"), DAY(2018, 3, 3), "doi:10.5555/ub.18", "https://doi.org/10.5555/ub.18", "URBAN BOTANY", "Balconies within forty metres of each other exchange seeds by birds. We marked 900 seeds."),
        ("Kites over balconies", ("H Gale",), DAY(2019, 1, 1), None, None, "PROCEEDINGS OF BALCONIES", ""),
    ],
}  # fmt: skip


def told(paper: Fetched) -> tuple[object, ...]:
    own = paper.paper
    own_id = None if own.paper_id.startswith("title:") else own.paper_id
    return own.title, paper.authors, own.published, own_id, own.url, paper.venue, own.abstract


def read(path: Path) -> list[Any]:
    source = open_source(str(path))
    assert source.left_out.count == 0, source.left_out.first
    return list(source.papers)


def test_every_export_has_its_expectation() -> None:
    assert sorted(EXPECTED) == sorted(each.name for each in EXPORTS.iterdir())


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_gives_its_papers(name: str) -> None:
    assert [told(paper) for paper in read(EXPORTS / name)] == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_told_by_its_content_under_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "download").write_bytes((EXPORTS / name).read_bytes())
    assert [told(paper) for paper in read(tmp_path / "download")] == EXPECTED[name]


def test_what_only_some_services_know_is_kept() -> None:
    (atom,) = read(EXPORTS / "arxiv-api.xml")
    assert (atom.version, atom.categories, atom.keywords) == (3, ("cs.CV",), ())
    assert "doi:10.5555/dim.3" in atom.external_ids
    (harvested,) = read(EXPORTS / "oai-arxiv.xml")
    assert harvested.categories == ("cs.CV", "cs.LG")
    (conference,) = read(EXPORTS / "ieee.ris")
    assert conference.keywords == ("Elevators", "Queues")
    (both,) = read(EXPORTS / "semantic-scholar-search.json")
    assert "doi:10.5555/lpq.9" in both.external_ids


async def test_a_link_to_openreview_or_the_anthology_leads_to_its_paper_whatever_others_it_has(
    catalogue: Catalogue,
) -> None:
    for name in ("openreview-v2.json", "papers-with-code.json", "openreview.bib", "acl.bib"):
        await catalogue.add(read(EXPORTS / name))
    assert (await catalogue.counts()).papers == 2
    current = await catalogue.current_ids(["openreview:aB3-_xYz01", "arxiv:2301.99997", "acl:2021.ferry-long.9"])
    assert len(current) == 3
    assert len(set(current.values())) == 2


def test_categories_choose_from_a_saved_answer_of_arxiv() -> None:
    for categories, titles in ((("cs.CV",), 1), (("math",), 0)):
        assert len(list(stream_source(str(EXPORTS / "arxiv-api.xml"), Choice(categories)).papers)) == titles


WRITTEN = {
    "gb18030": "用风筝测量云的高度",
    "big5": "用風箏測量雲的高度",
    "shift_jis": "凧で雲の高さを測る方法について",
    "euc_jp": "凧で雲の高さを測る方法について",
    "euc_kr": "연으로 구름의 높이를 재는 방법",
    "cp1251": "Как измерить высоту облаков змеем",
    "koi8_r": "Как измерить высоту облаков змеем",
    "iso8859_7": "Πώς μετράμε το ύψος των νεφών",
    "cp1252": "Größe — “naïve” Bäume",
    "latin_1": "Größe et forêts naïves",
    "utf-16": "用风筝测量云的高度",
    "utf-16-le": "Größe und naïve Bäume",
    "utf-8-sig": "用风筝测量云的高度",
}


@pytest.mark.parametrize("encoding", WRITTEN)
@pytest.mark.parametrize("name", ["a.bib", "a.ris", "a.csv", "a.jsonl"])
def test_files_in_the_encodings_of_their_countries_are_read(encoding: str, name: str, tmp_path: Path) -> None:
    title = WRITTEN[encoding]
    text = f"{title}. " * 12
    forms = {
        "a.bib": f"@article{{a,\n  title = {{{title}}},\n  abstract = {{{text}}},\n  year = {{2020}}\n}}\n",
        "a.ris": f"TY  - JOUR\r\nTI  - {title}\r\nAB  - {text}\r\nPY  - 2020\r\nER  - \r\n",
        "a.csv": f"title,year,abstract\n{title},2020,{text}\n",
        "a.jsonl": f'{{"title": "{title}", "text": "{text}", "year": 2020}}\n',
    }
    (tmp_path / name).write_bytes(forms[name].encode(encoding))
    source = open_source(str(tmp_path / name))
    (paper,) = fetched(source.papers)
    assert told(paper)[0] == title
    assert told(paper)[2] == DAY(2020, 1, 1)
    assert any("read as" in remark for remark in source.remarks) == (encoding != "utf-8-sig")


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_that_is_cut_gives_its_first_papers_or_a_sentence(name: str, tmp_path: Path) -> None:
    data = (EXPORTS / name).read_bytes()
    for share in (0.2, 0.5, 0.8, 0.97):
        (tmp_path / name).write_bytes(data[: int(len(data) * share)])
        sentence, found = _read_or_refused(tmp_path / name)
        assert not sentence or (sentence.endswith(".") and str(tmp_path / name) in sentence)
        assert len(found) <= len(EXPECTED[name])
        # No title begins in the middle of another.
        for paper, expected in zip(found, EXPECTED[name], strict=False):
            assert str(expected[0]).startswith(paper.paper.title)


def _read_or_refused(path: Path) -> tuple[str, tuple[Any, ...]]:
    try:
        return "", open_source(str(path)).papers
    except BadInputError as error:
        return str(error), ()


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def _forged(data: bytes, size: int) -> bytes:
    """Forge a zip so that it claims that its one member unpacks to `size` bytes."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]


BOMB = _zip({"a.csv": b"title,abstract\n" + b"a" * (64 << 20)})


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("plain.zip", BOMB, "unpacks to far more than text does"),
        ("quine.zip", _zip({"in.zip": BOMB}), "a zip within a zip"),
        ("twice.csv.gz", gzip.compress(gzip.compress(b"title,abstract\n" + b"a" * (64 << 20))), "kind of file|no papers|not a|column"),
        ("zipped-gz.zip", _zip({"a.csv.gz": gzip.compress(b"title,abstract\n" + b"a" * (64 << 20))}), "unpacks to far more"),
        ("many.zip", _zip({f"{number}.bib": b"" for number in range(10_001)}), "holds 10,001 files"),
        ("forged.zip", _forged(BOMB, 20), "unpacks to far more|not a whole zip|no papers|missing"),
        ("laughs.xml", b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(b'<!ENTITY b%d "%s">' % (n, (b"&b%d;" % (n - 1) if n else b"&a;") * 10) for n in range(30)) + b"]><PubmedArticleSet><PubmedArticle><MedlineCitation><Article><ArticleTitle>&b29;</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>", "missing or empty|not well-formed"),
        ("outside.xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><PubmedArticleSet><PubmedArticle><MedlineCitation><Article><ArticleTitle>&a;</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>', "missing or empty"),
    ],
)  # fmt: skip
def test_bombs_are_refused_in_a_sentence(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInputError, match=reason):
        open_source(str(tmp_path / name))


def test_what_looks_like_no_page_is_read_as_one_only_on_request(tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    pairs = (
        (
            f"A short note on kites {n}",
            f"{n}. We flew a kite, and then we flew another one, higher than the first, for an hour.",
        )
        for n in range(3)
    )
    file.write_text("\n\n".join(part for pair in pairs for part in pair))
    with pytest.raises(
        BadInputError, match=r'--as page would read 3 papers in it, the first "A short note on kites 0"'
    ):
        open_source(str(file))
    assert len(list(stream_source(str(file), Choice(), as_page=True).papers)) == 3
