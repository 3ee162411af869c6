"""Parse the drafts in a language model's reply while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.answering.form import answer_in, statement_in
from bot.llm.lenient import Scanner, loads
from retrieval.text.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.answering.answer import Draft
    from bot.answering.form import CitedAnswer, CitedStatement
    from bot.llm.lenient import Span

# A reply that repeats itself this often is in a loop.
_REPETITIONS: Final = 3


class DraftParser:
    """Yield a draft for each statement of a reply, once, as soon as its JSON object is closed.

    Attributes:
        complete: whether the answer's object is closed; the rest of the reply may be ignored.
    """

    def __init__(self) -> None:
        self.complete = False
        self._scanner = Scanner()
        self._drafted: set[str] = set()
        self._repeated = 0
        self._sufficient_by_root: dict[int, bool] = {}

    @property
    def count(self) -> int:
        """Number of distinct drafts so far."""
        return len(self._drafted)

    @property
    def looping(self) -> bool:
        """Whether the reply only repeats itself."""
        return self._repeated >= _REPETITIONS

    def feed(self, piece: str) -> Iterator[Draft]:
        """Yield the drafts that `piece` completes; ValueError if the object is closed and holds none."""
        answers = []
        for span in self._scanner.feed(piece):
            found = loads(self._scanner.text[span.start : span.end])
            if span.depth == 0 and (answer := answer_in(found)):
                answers.append(answer)
            elif (statement := statement_in(found)) and self._sufficient(span):
                self._repeated += fold(statement.text) in self._drafted
                yield from self._new_drafts(statement)
        if answers:
            self.complete = True
            # A model that thinks aloud puts its answer last.
            yield from self._drafts_of(answers[-1])

    def finish(self) -> Iterator[Draft]:
        """Yield the drafts left in a finished reply; ValueError if it is not an answer."""
        answer = answer_in(loads(self._scanner.text))
        if answer is None:
            raise ValueError
        yield from self._drafts_of(answer)

    def _drafts_of(self, answer: CitedAnswer) -> Iterator[Draft]:
        """Yield the drafts of an answer that are new; ValueError if it claims to suffice and there are none at all."""
        if not answer.sufficient:
            return
        for statement in answer.statements:
            yield from self._new_drafts(statement)
        if not self._drafted:
            raise ValueError

    def _new_drafts(self, statement: CitedStatement) -> Iterator[Draft]:
        key = fold(statement.text)
        if key not in self._drafted:
            self._drafted.add(key)
            yield statement.draft()

    def _sufficient(self, span: Span) -> bool:
        """Check whether the text before a statement allows it to be shown, i.e. does not say "sufficient": false."""
        if span.root not in self._sufficient_by_root:
            before = loads(self._scanner.text[span.root : span.start])
            answer = answer_in({**before, "statements": []}) if isinstance(before, dict) else None
            self._sufficient_by_root[span.root] = answer is None or answer.sufficient
        return self._sufficient_by_root[span.root]
