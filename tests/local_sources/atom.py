"""Write arXiv's API replies and feeds, and feeds like those of journals."""

from __future__ import annotations

import datetime as dt
import textwrap
from email.utils import format_datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .papers import LocalPaper

_ARXIV = 'xmlns:arxiv="http://arxiv.org/schemas/atom"'
_API = f'xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" {_ARXIV}'
_DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
_PRISM = 'xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"'


def api(entries: Sequence[str], total: int, start: int) -> str:
    """Write a reply of the API."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed {_API}>'
        '<link href="http://arxiv.org/api/query?search_query=x" rel="self" type="application/atom+xml"/>'
        "<title>arXiv Query: search_query=x</title><id>http://arxiv.org/api/abc</id>"
        "<updated>2026-11-20T00:00:00-05:00</updated>"
        f"<opensearch:totalResults>{total}</opensearch:totalResults>"
        f"<opensearch:startIndex>{start}</opensearch:startIndex>"
        f"<opensearch:itemsPerPage>{len(entries)}</opensearch:itemsPerPage>{''.join(entries)}</feed>\n"
    )


def entry(paper: LocalPaper) -> str:
    """Write a paper as the API does: title and abstract hard-wrapped."""
    known = f"{paper.arxiv_id}v{paper.version}"
    optional = "".join(
        f"<arxiv:{name}>{escape(text)}</arxiv:{name}>"
        for name, text in (("comment", paper.comment), ("doi", paper.doi))
        if text
    )
    return (
        f"<entry><id>http://arxiv.org/abs/{known}</id><updated>{_time(paper.updated)}</updated>"
        f"<published>{_time(paper.published)}</published><title>{escape(_wrap(paper.title, '  '))}</title>"
        f"<summary>  {escape(_wrap(paper.abstract))}\n</summary>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in paper.authors)
        + optional
        + f'<link href="http://arxiv.org/abs/{known}" rel="alternate" type="text/html"/>'
        f'<link title="pdf" href="http://arxiv.org/pdf/{known}" rel="related" type="application/pdf"/>'
        f'<arxiv:primary_category term="{paper.categories[0]}" scheme="http://arxiv.org/schemas/atom"/>'
        + "".join(f'<category term="{term}" scheme="http://arxiv.org/schemas/atom"/>' for term in paper.categories)
        + "</entry>"
    )


def error_entry(reason: str) -> str:
    """Write the error that the API sends in place of papers, often with status 200."""
    return api(
        [
            (
                "<entry><id>http://arxiv.org/api/errors#incorrect_id_format</id><title>Error</title>"
                f"<summary>{escape(reason)}</summary><updated>2026-11-20T00:00:00-05:00</updated>"
                "<author><name>arXiv api core</name></author></entry>"
            )
        ],
        total=1,
        start=0,
    )


def arxiv_rss(papers: Sequence[LocalPaper], day: dt.date) -> str:
    """Write arXiv's RSS feed of a day."""
    midnight = format_datetime(dt.datetime.combine(day, dt.time(5), dt.UTC))
    items = "".join(
        f"<item><title>{escape(paper.title)}</title><link>https://arxiv.org/abs/{paper.arxiv_id}</link>"
        f"<description>{escape(_foreword(paper) + paper.abstract)}</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{paper.arxiv_id}v{paper.version}</guid>'
        + "".join(f"<category>{term}</category>" for term in paper.categories)
        + f"<pubDate>{midnight}</pubDate><arxiv:announce_type>{paper.announce_type}</arxiv:announce_type>"
        f"<dc:creator>{escape(', '.join(paper.authors))}</dc:creator></item>"
        for paper in papers
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<rss {_ARXIV} {_DC} version=\"2.0\"><channel>"
        "<title>cs.CL updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.CL</link>"
        f"<description>cs.CL updates on the arXiv.org e-print archive.</description><pubDate>{midnight}</pubDate>"
        f"<skipDays><day>Sunday</day><day>Saturday</day></skipDays>{items}</channel></rss>"
    )


def arxiv_atom(papers: Sequence[LocalPaper], day: dt.date) -> str:
    """Write arXiv's Atom feed of a day."""
    midnight = f"{day}T05:00:00+00:00"
    entries = "".join(
        f"<entry><id>oai:arXiv.org:{paper.arxiv_id}v{paper.version}</id><title>{escape(paper.title)}</title>"
        f"<updated>{midnight}</updated><published>{midnight}</published>"
        f'<link href="https://arxiv.org/abs/{paper.arxiv_id}" rel="alternate" type="text/html"/>'
        f"<summary>{escape(_foreword(paper) + paper.abstract)}</summary>"
        + "".join(f'<category term="{term}"/>' for term in paper.categories)
        + f"<dc:creator>{escape(', '.join(paper.authors))}</dc:creator>"
        f"<arxiv:announce_type>{paper.announce_type}</arxiv:announce_type></entry>"
        for paper in papers
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" {_ARXIV} {_DC}>"
        f"<id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates</title><updated>{midnight}</updated>"
        f"{entries}</feed>"
    )


def journal_rss(papers: Sequence[LocalPaper]) -> str:
    """Write a journal's RSS feed: abstracts in HTML, DOIs, no arXiv ids."""
    items = "".join(
        f"<item><title>{escape(paper.title)}</title><link>https://journal.example.org/a/{paper.arxiv_id}</link>"
        f"<description>{escape(f'<p>{escape(paper.abstract)}</p><p><b>Open</b> access.</p>')}</description>"
        f"<dc:creator>{escape(paper.authors[0])}</dc:creator><category>{'</category><category>'.join(paper.keywords)}"
        f"</category><pubDate>{format_datetime(paper.published)}</pubDate>"
        + (f"<prism:doi>{escape(paper.doi)}</prism:doi>" if paper.doi else "")
        + "</item>"
        for paper in papers
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<rss {_DC} {_PRISM} version=\"2.0\"><channel>"
        "<title>A Journal</title><link>https://journal.example.org/</link><description>New papers</description>"
        f"{items}</channel></rss>"
    )


def _foreword(paper: LocalPaper) -> str:
    return f"arXiv:{paper.arxiv_id}v{paper.version} Announce Type: {paper.announce_type} \nAbstract: "


def _wrap(text: str, indent: str = "") -> str:
    """Break lines as arXiv does; a paragraph begins with two spaces."""
    paragraphs = (
        textwrap.wrap(part, 78, break_long_words=False, break_on_hyphens=False) for part in text.split("\n\n")
    )
    return "\n  ".join(f"\n{indent}".join(lines) for lines in paragraphs)


def _time(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
