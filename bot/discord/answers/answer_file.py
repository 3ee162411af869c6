"""Write a whole answer as a Markdown file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.discord.ui.markdown import escape, plain
from bot.discord.ui.phrases import title_link, written_by
from bot.language import say

if TYPE_CHECKING:
    from bot.answering import Answer, Citation


def document(answer: Answer) -> str:
    """Format the answer as Markdown with every statement, title and quote in full."""
    parts = ["# " + (escape(plain(answer.question)) or say("Answer"))]
    if answer.refused:
        parts.append(escape(plain(answer.refusal or "")))
        parts += ["\n".join(f"- {title_link(paper)}" for paper in answer.nearest)]
    if answer.lead:
        parts.append(escape(answer.lead))
    for statement in answer.statements:
        numbers = "".join(f"[{number}]" for number in statement.citations)
        parts.append(f"{escape(plain(statement.text))} {numbers}")
    if answer.citations:
        parts.append("## " + say("Papers"))
    parts += [
        f"**[{citation.number}]** {title_link(citation)}{_location(citation)}\n\n> {escape(plain(citation.quote))}"
        for citation in answer.citations
    ]
    if answer.note:
        parts.append(escape(plain(answer.note)))
    if not answer.refused:
        parts.append(written_by(answer))
    return "\n\n".join(part for part in parts if part) + "\n"


def _location(citation: Citation) -> str:
    return f", {escape(plain(citation.location))}" if citation.location else ""
