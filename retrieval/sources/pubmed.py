"""An article of PubMed's XML; see https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html for its elements."""

from __future__ import annotations

from typing import Any, Final

from retrieval.sources.elements import find, line, text

ELEMENTS: Final = ("PubmedArticle",)
_UNLABELLED: Final = frozenset({"", "UNLABELLED"})


def fields(article: Any) -> dict[str, Any]:  # noqa: ANN401  # lxml has no types
    """The fields of an article."""
    citation = "MedlineCitation/Article"
    number = line(article, "MedlineCitation/PMID")
    names = find(article, f"{citation}/AuthorList/Author")
    return {
        "_id": f"PMID {number}" if number else None,
        "title": line(article, f"{citation}/ArticleTitle") or line(article, f"{citation}/VernacularTitle"),
        "abstract": "\n\n".join(_part(part) for part in find(article, f"{citation}/Abstract/AbstractText")),
        "authors": [_name(name) for name in names],
        "doi": _doi(article),
        "url": [f"https://pubmed.ncbi.nlm.nih.gov/{number}/"] if number and not _doi(article) else None,
        "issued": _date(
            find(article, f"{citation}/ArticleDate") + find(article, f"{citation}/Journal/JournalIssue/PubDate")
        ),
        "venue": line(article, f"{citation}/Journal/Title"),
        "keywords": [text(element) for element in find(article, "MedlineCitation/KeywordList/Keyword")],
    }


def _part(part: Any) -> str:  # noqa: ANN401
    label = part.get("Label", "").strip()
    return text(part) if label.upper() in _UNLABELLED else f"{label}: {text(part)}"


def _name(author: Any) -> str:  # noqa: ANN401
    given = line(author, "ForeName") or line(author, "Initials")
    family, suffix = line(author, "LastName"), line(author, "Suffix")
    return " ".join(part for part in (given, family, suffix) if part) or line(author, "CollectiveName")


def _doi(article: Any) -> str | None:  # noqa: ANN401
    elements = find(article, "MedlineCitation/Article/ELocationID"), find(article, "PubmedData/ArticleIdList/ArticleId")
    kinds = ("EIdType", "IdType")
    return next(
        (
            text(element)
            for found, kind in zip(elements, kinds, strict=True)
            for element in found
            if element.get(kind) == "doi"
        ),
        None,
    )


def _date(dates: list[Any]) -> str:
    for date in dates:
        if year := line(date, "Year"):
            month, day = line(date, "Month"), line(date, "Day")
            return (
                "-".join(part for part in (year, month, day) if part) if month.isdecimal() else f"{year} {month} {day}"
            )
        if words := line(date, "MedlineDate"):  # "2007 Mar-Apr"
            return words
    return ""
