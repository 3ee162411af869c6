"""The papers in `written` as HTML pages in LaTeXML's form."""

from __future__ import annotations

from html import escape

from tests.fulltext.printing import WRITTEN


def page_of(name: str) -> bytes:
    """Lay out a written paper as arXiv's HTML shows it."""
    front, *sections = (WRITTEN / f"{name}.txt").read_text(encoding="utf-8").split("\n# ")
    title, *authors = front.strip().split("\n")
    said = [f'<h1 class="ltx_title ltx_title_document">{escape(title)}</h1>', *_authors(authors)]
    for number, section in enumerate(sections):
        heading, *paragraphs = section.strip().split("\n")
        text = "\n".join(
            f'<div class="ltx_para" id="S{number}.p{at}"><p class="ltx_p">{escape(paragraph)}</p></div>'
            for at, paragraph in enumerate(paragraphs, start=1)
        )
        said.append(_section(heading, number, text))
    body = "\n".join(said)
    return (
        '<!DOCTYPE html><html lang="en"><body><div class="ltx_page_main"><div class="ltx_page_content">'
        f'<article class="ltx_document">{body}</article></div></div></body></html>'
    ).encode()


def _authors(lines: list[str]) -> list[str]:
    names = "".join(f'<span class="ltx_creator ltx_role_author">{escape(line)}</span>' for line in lines)
    return [f'<div class="ltx_authors">{names}</div>']


def _section(heading: str, number: int, text: str) -> str:
    if heading == "Abstract":
        return f'<div class="ltx_abstract"><h6 class="ltx_title ltx_title_abstract">Abstract</h6>{text}</div>'
    kind = "bibliography" if "references" in heading.lower() else "section"
    tag, _, name = heading.partition(" ")
    titled = f'<span class="ltx_tag ltx_tag_{kind}">{escape(tag)} </span>{escape(name)}' if name else escape(heading)
    return (
        f'<section class="ltx_{kind}" id="S{number}"><h2 class="ltx_title ltx_title_{kind}">{titled}</h2>\n'
        f"{text}</section>"
    )
