r"""The lexical index: BM25 over title and abstract in tantivy, derived from the catalogue.

A document is a whole paper with stemmed words: on SciFact this beats windows and sentences. Text is folded first, so
that "tulu" finds T\"ULU; writing_systems.py splits scripts other than Latin. Title, author names and address are
indexed too, outside of BM25.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import tantivy

from retrieval.batches import batched
from retrieval.calibration import idf
from retrieval.papers import identify, short_key
from retrieval.references import address_key, find_references
from retrieval.text.importance import importance
from retrieval.text.names import NAME_FORMS, Name
from retrieval.text.text import fold
from retrieval.text.writing_systems import VERSION, asked, spaced, words, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from retrieval.papers import Paper
    from retrieval.text.names import NameForm

# tantivy's BM25 constant; it bounds a term's contribution to the score.
K1 = 1.2
WRITER_HEAP = 15_000_000  # bytes, tantivy's minimum for one thread
STAMP = "stamp"
PIECE = 4  # characters
MOST_NAMED = 10  # papers with the same title
PIECES_WEIGHT = 0.25
# Pieces in more than this share of the papers say little, and reading their posting lists is half of BM25's time among
# 100,000 papers; short lists cost nothing.
COMMON = 0.3
LONG_LIST = 3000  # papers
LOOKED_FOR = 1000
SHORTEST_BEGINNING = 3  # letters that a word before the last needs to match as a prefix
LONGEST_TITLE = 300  # characters

_WORD = re.compile(r"\w+")


def title_form(text: str) -> str:
    """Normalise a title, or a part typed by a user, as titles are indexed: folded words, at most 300 characters."""
    return " ".join(_WORD.findall(fold(text)))[:LONGEST_TITLE].rstrip()


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """A parsed query: the weights (0..1) of its stemmed words and of its pieces (character 4-grams)."""

    text: str
    words: Mapping[str, float]
    pieces: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NameTerm:
    """A form of an author's name to look up, and how many edits (`slips`) away from it still match."""

    form: NameForm
    text: str
    slips: int = 0


class LexicalIndex:
    """Full-text search over the papers; one process has the only writer.

    Attributes:
        expected: the stamp that the index should have.
    """

    def __init__(self, folder: Path, stamp: str) -> None:
        self._folder = folder
        # A write that was cancelled goes on in its thread, and tantivy refuses a second one beside it.
        self._writing = Lock()
        self.expected = f"{stamp}/scripts {VERSION}"
        self._analyzer = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(60))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.stemmer("english"))
            .build()
        )
        builder = tantivy.SchemaBuilder()
        for form in NAME_FORMS:
            builder.add_text_field(form, tokenizer_name="raw", index_option="basic")
        self._schema = (
            builder.add_text_field("paper_id", stored=True, tokenizer_name="raw", index_option="basic")
            .add_text_field("identity", tokenizer_name="raw", index_option="basic")
            .add_text_field("words", tokenizer_name="stemmed", index_option="freq")
            .add_text_field("pieces", tokenizer_name="whitespace", index_option="freq")
            .add_text_field("title", tokenizer_name="raw", index_option="basic")
            .add_text_field("title_words", tokenizer_name="whitespace", index_option="position")
            .add_text_field("title_pieces", tokenizer_name="whitespace", index_option="freq")
            .add_text_field("key", tokenizer_name="raw", index_option="basic")
            .add_text_field("address", tokenizer_name="raw", index_option="basic")
            .add_integer_field("day", fast=True)
            .build()
        )
        try:
            if (folder / STAMP).exists():
                self._open()
            else:
                self._create()
        except ValueError:  # damaged, or of another schema
            self._create()

    def _open(self) -> None:
        self._index = tantivy.Index(self._schema, str(self._folder))
        self._index.register_tokenizer("stemmed", self._analyzer)
        self._writer = self._index.writer(WRITER_HEAP, num_threads=1)

    def _create(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._open()
        (self._folder / STAMP).write_text(self.expected)

    @property
    def stamp(self) -> str | None:
        """The stamp stored with the index."""
        return (self._folder / STAMP).read_text()

    def reset(self) -> None:
        """Empty the index and give it the expected stamp."""
        with self._writing:
            del self._writer  # this releases tantivy's lock on the folder
            self._create()

    def count(self) -> int:
        """Count the papers."""
        return self._index.searcher().num_docs

    def lacking(self, paper_ids: Iterable[str]) -> list[str]:
        """The given papers that are missing from the index."""
        lost: list[str] = []
        for part in batched(paper_ids, LOOKED_FOR):
            among = tantivy.Query.term_set_query(self._schema, "paper_id", part)
            held = {paper_id for paper_id, _ in self._run(among, len(part))}
            lost += [paper_id for paper_id in part if paper_id not in held]
        return lost

    def replace(self, papers: Iterable[Paper], authors: Mapping[str, Sequence[str]] | None = None) -> None:
        """Write papers, replacing those with the same id, and commit; `authors` maps paper ids to names."""
        with self._writing:
            for paper in papers:
                self._writer.delete_documents_by_term("paper_id", paper.paper_id)
                text = fold(f"{paper.title}\n{paper.abstract}")
                title = title_form(paper.title)
                key = short_key(paper.paper_id)
                names = [Name.read(author) for author in (authors or {}).get(paper.paper_id, ())]
                self._writer.add_document(
                    tantivy.Document(
                        paper_id=paper.paper_id,
                        identity=identify(paper.title),
                        words=written(text),
                        pieces=" ".join(_pieces(text)),
                        title=title,
                        title_words=title,
                        title_pieces=" ".join(_pieces(title)),
                        key=[] if key == paper.paper_id else key,
                        address=_addresses(paper.url) if paper.url else [],
                        day=paper.published.toordinal() if paper.published else 0,
                        **{form: _forms(names, form) for form in NAME_FORMS},
                    )
                )
            self._writer.commit()
            self._index.reload()

    def delete(self, paper_ids: Iterable[str]) -> None:
        """Delete papers and commit; unknown ids are ignored."""
        with self._writing:
            for paper_id in paper_ids:
                self._writer.delete_documents_by_term("paper_id", paper_id)
            self._writer.commit()
            self._index.reload()

    def read(self, query: str) -> LexicalQuery:
        """Parse a query for the other methods; function words of a question get a low weight."""
        terms: dict[str, float] = {}
        pieces: dict[str, float] = {}
        for word in words(fold(query)):
            counts = importance(word)
            for found, parts in ((terms, self._analyzer.analyze(asked(word))), (pieces, _pieces(word))):
                found.update((part, max(counts, found.get(part, 0.0))) for part in parts)
        return LexicalQuery(query, terms, self._tells(pieces))

    def has(self, word: str) -> bool:
        """Whether any paper has a word, in any inflected form."""
        return any(self._index.searcher().doc_freq("words", stem) for stem in self.stems(word))

    def similar(self, word: str, slips: int, limit: int) -> list[str]:
        """Ids of up to twice `limit` papers with a similar word: a stem within `slips` edits, or shared pieces."""
        stems = [tantivy.Query.fuzzy_term_query(self._schema, "words", stem, slips) for stem in self.stems(word)]
        pieces = [self._term("pieces", piece) for piece in _pieces(word)]
        found = [
            paper_id
            for parts in (stems, pieces)
            for paper_id, _ in self._run(
                tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts]), limit
            )
        ]
        return list(dict.fromkeys(found))

    def stems(self, text: str) -> list[str]:
        """Stem the words of a text, as they are indexed."""
        return list(self._analyzer.analyze(written(fold(text))))

    def idf(self, term: str) -> float:
        """BM25's inverse document frequency of a stemmed word; never negative."""
        return self._idf("words", term)

    def weight(self, word: str) -> float:
        """The inverse document frequency of an unstemmed word; if the tokenizer splits it, of the rarest part."""
        return max(map(self.idf, self._analyzer.analyze(asked(fold(word)))), default=self.idf(word))

    def search(self, query: LexicalQuery, limit: int) -> list[tuple[str, float]]:
        """(paper id, BM25 score) of up to `limit` papers, best first."""
        parts = self._parts(query)
        return self._run(tantivy.Query.boolean_query(parts), limit) if parts else []

    def score(self, query: LexicalQuery, paper_ids: Sequence[str]) -> dict[str, float]:
        """BM25 scores of the given papers, by id; papers that share no word are left out."""
        return self._among(self._parts(query), paper_ids)

    def named(self, query: LexicalQuery) -> set[str]:
        """Ids of the papers whose title is the query."""
        asked = tantivy.Query.term_query(self._schema, "identity", identify(query.text), "basic")
        return {paper_id for paper_id, _ in self._run(asked, MOST_NAMED)}

    def titled(self, text: str, limit: int) -> list[str]:
        """Papers for a partly typed title, folded: up to `limit` of each kind, newest first within a kind.

        The kinds are titles that start with the text, that contain it, and that contain all its words. The last word
        matches as a prefix, and so do the others if they have SHORTEST_BEGINNING letters.
        """
        *before, last = text.split()
        begins = tantivy.Query.regex_query(self._schema, "title", f"{re.escape(text)}.*")
        words: list[str | tuple[int, str]] = [*text.split()]
        holds = tantivy.Query.phrase_prefix_query(self._schema, "title_words", words)
        every = [self._title_word(word, beginning=len(word) >= SHORTEST_BEGINNING) for word in before]
        every.append(self._title_word(last, beginning=True))
        all_of = tantivy.Query.boolean_query([(tantivy.Occur.Must, word) for word in every])
        found: dict[str, None] = {}
        for query in (begins, holds, all_of):
            found |= dict.fromkeys(self._newest(query, limit))
            if len(found) >= limit:
                break
        return list(found)

    def titled_like(self, text: str, limit: int) -> list[str]:
        """Up to `limit` papers whose titles share the most pieces with a folded text."""
        pieces = [(tantivy.Occur.Should, self._term("title_pieces", piece)) for piece in dict.fromkeys(_pieces(text))]
        return [paper_id for paper_id, _ in self._run(tantivy.Query.boolean_query(pieces), limit)] if pieces else []

    def of_key(self, key: str) -> str | None:
        """The paper with a hashed `short_key`; None if there is none."""
        found = self._run(tantivy.Query.term_query(self._schema, "key", key, "basic"), 1)
        return found[0][0] if found else None

    def at_address(self, terms: Sequence[str]) -> str | None:
        """The one paper whose address matches one of the given addresses or ids; None if there are none or several."""
        found = self._run(tantivy.Query.term_set_query(self._schema, "address", list(terms)), 2)
        return found[0][0] if len(found) == 1 else None

    def frequency(self, term: NameTerm) -> int:
        """About how many papers have a term; deleted papers count until tantivy merges segments."""
        return self._index.searcher().doc_freq(term.form, term.text)

    def newest(self, terms: Sequence[NameTerm], limit: int, *, but: Sequence[NameTerm] = ()) -> tuple[int, list[str]]:
        """How many papers have any of `terms` and none of `but`, and up to `limit` of them, newest first."""
        must_not = [(tantivy.Occur.MustNot, self._holding(term)) for term in but]
        any_of = tantivy.Query.boolean_query([(tantivy.Occur.Should, self._holding(term)) for term in terms])
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, any_of), *must_not])
        searcher = self._index.searcher()
        found = searcher.search(query, limit, count=True, order_by_field="day")
        total: int = found.count  # type: ignore[attr-defined]  # tantivy's stub lacks it
        return total, [searcher.doc(address)["paper_id"][0] for _, address in found.hits]

    def coverage(self, query: LexicalQuery, paper_ids: Sequence[str]) -> dict[str, float]:
        """The idf-weighted share (0..1) of the query's words in each of the given papers, by id; zeros are left out."""
        weights = {term: counts * self.idf(term) for term, counts in query.words.items()}
        held = self._among(
            [
                (tantivy.Occur.Should, tantivy.Query.const_score_query(self._term("words", term), weight))
                for term, weight in weights.items()
            ],
            paper_ids,
        )
        return {paper_id: min(1.0, weight / sum(weights.values())) for paper_id, weight in held.items()}

    def ideal(self, query: LexicalQuery) -> float:
        """The upper bound of the query's BM25 score: of a paper that repeats every term endlessly."""
        words = sum(counts * self._idf("words", term) for term, counts in query.words.items())
        pieces = sum(counts * self._idf("pieces", piece) for piece, counts in query.pieces.items())
        return (K1 + 1) * (words + PIECES_WEIGHT * pieces)

    def close(self) -> None:
        """Release the writer and its lock."""
        with self._writing:
            self._writer.wait_merging_threads()

    def _idf(self, field: str, term: str) -> float:
        searcher = self._index.searcher()
        holding = min(searcher.doc_freq(field, term), searcher.num_docs)  # deleted papers count until a merge
        return idf(holding, searcher.num_docs)

    def _parts(self, query: LexicalQuery) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        weighed = [("words", term, counts) for term, counts in query.words.items()]
        weighed += [("pieces", piece, PIECES_WEIGHT * counts) for piece, counts in query.pieces.items()]
        return [
            (tantivy.Occur.Should, tantivy.Query.boost_query(self._term(field, term), weight))
            for field, term, weight in weighed
        ]

    def _tells(self, pieces: Mapping[str, float]) -> dict[str, float]:
        """Leave out pieces that are in too many papers."""
        searcher = self._index.searcher()
        most = max(COMMON * searcher.num_docs, LONG_LIST)
        if searcher.num_docs <= most:
            return dict(pieces)
        return {piece: counts for piece, counts in pieces.items() if searcher.doc_freq("pieces", piece) <= most}

    def _term(self, field: str, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, term, "freq")

    def _title_word(self, word: str, *, beginning: bool) -> tantivy.Query:
        if beginning:
            return tantivy.Query.regex_query(self._schema, "title_words", f"{re.escape(word)}.*")
        return tantivy.Query.term_query(self._schema, "title_words", word, "basic")

    def _newest(self, query: tantivy.Query, limit: int) -> list[str]:
        searcher = self._index.searcher()
        hits = searcher.search(query, limit, count=False, order_by_field="day").hits
        return [searcher.doc(address)["paper_id"][0] for _, address in hits]

    def _holding(self, term: NameTerm) -> tantivy.Query:
        if term.slips:
            return tantivy.Query.fuzzy_term_query(self._schema, term.form, term.text, term.slips)
        return tantivy.Query.term_query(self._schema, term.form, term.text, "basic")

    def _among(self, parts: list[tuple[tantivy.Occur, tantivy.Query]], paper_ids: Sequence[str]) -> dict[str, float]:
        if not parts or not paper_ids:
            return {}
        # One by one they are found in a third of the time that the engine's set of terms takes.
        ids = [tantivy.Query.term_query(self._schema, "paper_id", paper_id, "basic") for paper_id in paper_ids]
        any_of = tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in ids])
        among = tantivy.Query.const_score_query(any_of, 0.0)
        asked = tantivy.Query.boolean_query(parts)
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), (tantivy.Occur.Must, asked)])
        return dict(self._run(both, len(paper_ids)))

    def _run(self, query: tantivy.Query, limit: int) -> list[tuple[str, float]]:
        searcher = self._index.searcher()
        hits = searcher.search(query, limit, count=False).hits
        return [(searcher.doc(address)["paper_id"][0], score) for score, address in hits]


def _addresses(url: str) -> list[str]:
    ids = [reference.paper_id for reference in find_references(url) if reference.paper_id]
    return [address_key(url), *ids]


def _forms(names: Sequence[Name], form: NameForm) -> list[str]:
    return list(dict.fromkeys(spelling for name in names for spelling in name.forms(form)))


def _pieces(text: str) -> list[str]:
    """Split each word, with # at both ends, into overlapping 4-grams."""
    pieces: list[str] = []
    for word in words(spaced(fold(text))):
        marked = f"#{word}#"
        pieces += [marked[start : start + PIECE] for start in range(max(1, len(marked) - PIECE + 1))]
    return pieces
