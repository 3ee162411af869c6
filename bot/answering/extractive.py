"""The extractive writer: answer with the few sentences of the papers that hold what was asked, verbatim."""

from __future__ import annotations

import asyncio
import math
import re
import statistics
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.answer import Draft, Support
from bot.answering.confidence import confidence
from bot.answering.question import Kind, Question, Want, content_terms, gist, read_question
from bot.answering.sufficiency import MORE, SUFFICIENT, missing_words, read_gap, sufficiency
from retrieval.text import clean, fold, sentences

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from numpy.typing import NDArray

    from bot.answering.answer import Usage, WriterName
    from bot.answering.sufficiency import Gap
    from retrieval.embedding import Embedder
    from retrieval.papers import Evidence, Hit, Paper

# How much of the probability the quoted sentences of one paper should hold together, and how many they may be.
# Given the right paper: 0.89 of the facts with 2.9 sentences a question on the tuning questions, 0.87 with 2.4 on
# others, which the weights never saw.
ENOUGH: Final = 0.85
MOST_SENTENCES: Final = 5
MOST_PAPERS: Final = 5
# How far a listed paper stands out from the crowd (the hits after the first five), as a share of what the best does:
# chosen on 21 questions that ask for several papers, twelve of them of our own; citation precision is 0.88 at recall
# 0.83 where none is refused.
LISTED: Final = 0.4
# A side of a comparison is a paper's that holds this share of its words.
HOLDS_SIDE: Final = 0.5

REMEMBERED: Final = 4096  # sentence vectors, some 6 MB
LONGEST_STATEMENT: Final = 560  # characters; the checks refuse 600
LONGEST_QUOTE: Final = 1000  # characters, as the checks have it

# What a sentence is weighed by; fitted by bench/fit_extractive.py, which prints this table. Cosines are standardised
# over the paper's sentences, so that the table serves every embedding model.
WEIGHTS: Final = {
    "question": 0.46,  # cosine to the question
    "around": 0.12,  # the best of that among the sentence and its neighbours
    "title": 0.14,  # cosine to the title
    "beyond title": 0.26,  # cosine to what the question says beyond the title
    "words": 1.77,  # share of the question's words, rare ones in the paper counting more
    "words beyond title": 1.43,
    "number": 2.27,
    "link": 8.18,
    "reason": 0.53,
    "result": 1.30,
    "overview": 2.09,
    "opening": -1.42,  # the first sentence seldom answers
    "late": 1.85,  # 0 at the abstract's beginning, 1 at its end
}

# What shows that a sentence holds the kind of thing asked for.
CUES: Final = {
    Want.NUMBER: re.compile(
        r"(?<![\w-])\d[\d,.]*|%|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?"
        r"|thousands?|millions?|half|twice)\b",
        re.IGNORECASE,
    ),
    Want.LINK: re.compile(r"https?://|\bgithub\b|\b(?:code|data|models?|weights)\b.*\bavailable\b", re.IGNORECASE),
    Want.REASON: re.compile(
        r"\b(?:because|due to|since|thus|therefore|hence|reasons?|caus\w+|leads?|challeng\w+|difficult\w*|requir\w+"
        r"|limit\w*|stems?|gaps?|fail\w*|issues?|lacks?|lacking)\b",
        re.IGNORECASE,
    ),
    Want.RESULT: re.compile(
        r"\b(?:outperform\w*|than|better|worse|superior|improv\w*|compar\w*|unlike|versus|baselines?|while|whereas|but"
        r"|not)\b",
        re.IGNORECASE,
    ),
    Want.OVERVIEW: re.compile(
        r"\b(?:we|our|this (?:paper|work|study|article|thesis|survey|report))\b.*\b(?:propos|present|introduc|develop"
        r"|describ|releas|design|creat|construct|collect|provid|buil[dt])\w*",
        re.IGNORECASE,
    ),
}

HEADER: Final = re.compile(
    r"^(?:(?:BACKGROUND|OBJECTIVES?|AIMS?|PURPOSE|CONTEXT|METHODS?|DESIGN|SETTING|PARTICIPANTS|RESULTS?|FINDINGS"
    r"|CONCLUSIONS?|INTERPRETATION|SIGNIFICANCE|METHODOLOGY|PRINCIPAL|AND|/|\s)+[:.]?|(?:Background|Objectives?|Context"
    r"|Methods?|Results?|Conclusions?)[:.])\s+(?=[A-Z0-9])"
)
ITEM: Final = re.compile(r"^\((?:\d{1,2}|[a-h]|[ivx]+)\)\s+")
CONNECTIVE: Final = re.compile(
    r"^(?:however|moreover|furthermore|additionally|in addition|specifically|in specific|in particular|consequently"
    r"|thus|similarly|therefore|hence|besides|also|meanwhile|that is|and|but|to this end|as a result|concretely"
    r"|likewise|for example|for instance|nonetheless|further|second|secondly|third|thirdly|lastly|finally),\s+",
    re.IGNORECASE,
)
# "It" and "this approach" mean nothing without the sentence before; "this paper" does with the citation beside it.
POINTER: Final = re.compile(
    r"^(?:It|They|Its|Their|This|These|Such)\b(?! (?:paper|work|study|article|thesis|survey)\b)"
)


@dataclass(frozen=True, slots=True)
class _Sentences:
    """Hold a paper of the hits, counted from 1, and its sentences, verbatim and in order."""

    number: int
    paper: Paper
    texts: tuple[str, ...]

    @classmethod
    def of(cls, number: int, paper: Paper) -> _Sentences:
        spans = sentences(paper.abstract)
        return cls(number, paper, tuple(paper.abstract[start:end] for start, end in spans) or (paper.title,))


class ExtractiveWriter:
    """Quote the sentences that hold what was asked; needs no language model."""

    name: WriterName = "extractive"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._remembered: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    async def write(self, question: str, hits: Sequence[Hit]) -> AsyncGenerator[Draft | Usage]:
        """Yield one draft a sentence: of the best paper for a single question, of several where several are asked.

        Paper numbers count `hits` from 1. Raises EmbeddingError where a remote embedding model cannot be asked.
        """
        asked, read = await self._read(question, hits)
        if not read or not await self._suffices(asked, read, hits):
            return
        vectors = await self._vectors(
            [asked.text, *(text for each in read for text in (each.paper.title, *each.texts))]
        )
        said: set[str] = set()
        for each in read:
            scores = sentence_features(
                asked,
                each.paper.title,
                each.texts,
                vectors[asked.text],
                vectors[each.paper.title],
                np.stack([vectors[text] for text in each.texts]),
            ) @ np.array(list(WEIGHTS.values()))
            for at in choose_sentences(scores, MOST_SENTENCES if len(read) == 1 else 1):
                draft = _draft(each, each.texts[at])
                if fold(draft.text) not in said:
                    said.add(fold(draft.text))
                    yield draft

    async def gap(self, question: str, hits: Sequence[Hit]) -> Gap:
        """Return what the question says and the papers chosen for it do not; there is at least one hit."""
        return await self._gap(*await self._read(question, hits))

    async def _read(self, question: str, hits: Sequence[Hit]) -> tuple[Question, list[_Sentences]]:
        asked = read_question(gist(question))
        chosen = choose_papers(asked, hits)
        # The library has embedded most sentences already; what it cut or left out is embedded here.
        self._remembered.update(
            (passage.text, passage.vector)
            for at in chosen
            for passage in hits[at].sentences
            if passage.vector is not None
        )
        return asked, await asyncio.to_thread(lambda: [_Sentences.of(at + 1, hits[at].paper) for at in chosen])

    async def _suffices(self, asked: Question, read: Sequence[_Sentences], hits: Sequence[Hit]) -> bool:
        if MORE.search(asked.text):
            return True
        model = self._embedder.model
        likely = sufficiency(await self._gap(asked, read), model)
        if asked.kind is Kind.LIST:  # asked for by a theme, whose words the papers on it need not hold as a fact's
            likely = (likely + confidence(asked.text, hits, model)) / 2
        return likely >= SUFFICIENT

    async def _gap(self, asked: Question, read: Sequence[_Sentences]) -> Gap:
        # The sides of a comparison hold it together; of a list, the first paper stands for all.
        holding = read if asked.kind is Kind.COMPARE else read[:1]
        titles = " ".join(each.paper.title for each in holding)
        texts = [text for each in holding for text in (each.paper.title, *each.texts)]
        missing = await asyncio.to_thread(missing_words, asked, texts)
        vectors = await self._vectors([asked.text, " ".join(missing) or asked.text, *texts])
        return await asyncio.to_thread(read_gap, asked, titles, texts, vectors)

    async def _vectors(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        missing = list(dict.fromkeys(text for text in texts if text not in self._remembered))
        if missing:
            self._remembered.update(zip(missing, await self._embedder.embed(missing), strict=True))
        found = {}
        for text in texts:
            self._remembered.move_to_end(text)
            found[text] = self._remembered[text]
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return found


def choose_papers(asked: Question, hits: Sequence[Hit]) -> tuple[int, ...]:
    """Return which hits answer, by their place from 0: one, the sides of a comparison, or those of a list."""
    if asked.kind is Kind.LIST:
        return _listed(hits)
    if asked.kind is Kind.COMPARE:
        return _compared(asked, hits)
    return tuple(range(min(1, len(hits))))


def choose_sentences(scores: NDArray[np.float64], most: int) -> tuple[int, ...]:
    """Return which sentences to quote: the best first, then, in the paper's order, those that make it enough."""
    likely = np.exp(scores - scores.max())
    likely /= likely.sum()
    order = np.argsort(-likely, kind="stable")
    needed = 1 + int(np.searchsorted(np.cumsum(likely[order]), ENOUGH))
    best, *others = (int(at) for at in order[: min(needed, most)])
    return best, *sorted(others)


def sentence_features(
    asked: Question,
    title: str,
    texts: Sequence[str],
    question_vector: NDArray[np.float32],
    title_vector: NDArray[np.float32],
    vectors: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return what the weights are for: shape (sentences of the paper, len(WEIGHTS)), columns in their order.

    Vectors are unit vectors; `vectors` has one row for each of `texts`, which are all sentences of one paper.
    """
    count = len(texts)
    near = vectors @ question_vector
    padded = np.pad(near, 1, constant_values=-1.0)
    beyond = question_vector - (question_vector @ title_vector) * title_vector
    held = [frozenset(content_terms(text)) for text in texts]
    frequency = Counter(term for terms in held for term in terms)
    rarity = {
        term: math.log(1 + (count - frequency[term] + 0.5) / (frequency[term] + 0.5))
        for term in asked.terms
        if term in frequency
    }
    named = frozenset(content_terms(title))
    new = {term: weight for term, weight in rarity.items() if term not in named}
    cues = [
        [float(want in asked.wants and cue.search(text) is not None) for text in texts] for want, cue in CUES.items()
    ]
    place = np.arange(count)
    return np.column_stack(
        [
            _standardised(near),
            _standardised(np.maximum(np.maximum(padded[:-2], padded[2:]), near)),
            _standardised(vectors @ title_vector),
            _standardised(vectors @ beyond),
            [_share(rarity, terms) for terms in held],
            [_share(new, terms) for terms in held],
            *cues,
            place == 0,
            place / max(count - 1, 1),
        ]
    ).astype(np.float64)


def _share(weights: dict[str, float], terms: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in terms) / total if total else 0.0


def _standardised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def _listed(hits: Sequence[Hit]) -> tuple[int, ...]:
    """Return the hits that stand out from the others; by raw evidence, as a fused score has no scale."""
    strengths = [_strength(hit.evidence) for hit in hits]
    others = strengths[MOST_PAPERS:]
    crowd = statistics.median(others) if others else 0.0
    needed = crowd + LISTED * (max(strengths, default=0.0) - crowd)
    return tuple(at for at, strength in enumerate(strengths) if strength >= needed)[:MOST_PAPERS]


def _strength(evidence: Evidence) -> float:
    return (evidence.cosine + evidence.sentence_cosine) / 2 + evidence.bm25_share + evidence.words


def _compared(asked: Question, hits: Sequence[Hit]) -> tuple[int, ...]:
    """Return one hit for each side, or the first alone where it speaks of both."""
    if re.search(r"\b(?:two|both|these) (?:papers|works|studies)\b", asked.text, re.IGNORECASE):
        return tuple(range(min(2, len(hits))))
    words = [frozenset(content_terms(f"{hit.paper.title} {hit.paper.abstract}")) for hit in hits]
    chosen = [0] if hits else []
    for side in asked.sides:
        terms = content_terms(side)
        holding = [sum(term in held for term in terms) / len(terms) for held in words]
        if any(holding[at] >= HOLDS_SIDE for at in chosen[:1]):
            continue
        best = max(range(len(hits)), key=lambda at: holding[at], default=0)
        if hits and holding[best] >= HOLDS_SIDE and best not in chosen:
            chosen.append(best)
    return tuple(chosen)


def _draft(source: _Sentences, sentence: str) -> Draft:
    return Draft(_standalone(sentence, source.paper.title), (Support(source.number, sentence[:LONGEST_QUOTE]),))


def _standalone(sentence: str, title: str) -> str:
    """Return a sentence as it reads by itself; every word and number of it stays the paper's own."""
    text = clean(sentence)
    text = ITEM.sub("", HEADER.sub("", text))
    text = CONNECTIVE.sub("", text)
    text = text[:1].upper() + text[1:]
    name = clean(title)
    # A title that is itself two sentences, as in "What's the Magic Word? A Control Theory", leads nowhere.
    if POINTER.match(text) and len(sentences(name)) == 1:
        text = f"In “{name}”, {text[:1].lower()}{text[1:]}"
    if len(text) > LONGEST_STATEMENT:
        text = f"{text[:LONGEST_STATEMENT].rsplit(' ', 1)[0].rstrip(',;:')} …"
    return text
