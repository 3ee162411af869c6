"""The stemmed content words of a text."""

from __future__ import annotations

from functools import cache

import tantivy

from retrieval.text.importance import QUESTION_WORDS


def content_terms(text: str) -> tuple[str, ...]:
    """Extract the stemmed content words of a text, each once, in order."""
    analyzer, ignored = _analyzer()
    return tuple(dict.fromkeys(term for term in analyzer.analyze(text) if term not in ignored))


@cache
def _analyzer() -> tuple[tantivy.TextAnalyzer, frozenset[str]]:
    analyzer = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
    return analyzer, frozenset(analyzer.analyze(" ".join(sorted(QUESTION_WORDS))))
