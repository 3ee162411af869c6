"""Read drafts out of a language model's reply while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.answering.form import answer_in, statement_in
from bot.llm.lenient import Scanner, loads
from retrieval.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.answering.answer import Draft
    from bot.answering.form import CitedAnswer, CitedStatement
    from bot.llm.lenient import Span

# A reply that says so many things again is a loop.
_REPETITIONS: Final = 3


class Drafts:
    """Give each statement once, as soon as its object is closed.

    Attributes:
        whole: whether the answer's object is closed; whatever follows it does not matter.
    """

    def __init__(self) -> None:
        self.whole = False
        self._scanner = Scanner()
        self._drafted: set[str] = set()
        self._repeated = 0
        self._enough: dict[int, bool] = {}

    @property
    def count(self) -> int:
        """Return how many drafts there were."""
        return len(self._drafted)

    @property
    def looping(self) -> bool:
        """Say whether the reply only repeats what it has said."""
        return self._repeated >= _REPETITIONS

    def feed(self, piece: str) -> Iterator[Draft]:
        """Yield the drafts that are complete now that `piece` has come; ValueError where it is whole and holds none."""
        answers = []
        for span in self._scanner.feed(piece):
            found = loads(self._scanner.text[span.start : span.end])
            if span.depth == 0 and (answer := answer_in(found)):
                answers.append(answer)
            elif (statement := statement_in(found)) and self._sufficient(span):
                self._repeated += fold(statement.text) in self._drafted
                yield from self._new(statement)
        if answers:
            self.whole = True
            # What a model thinks aloud comes first.
            yield from self._of(answers[-1])

    def finish(self) -> Iterator[Draft]:
        """Yield the rest of a reply that is over; ValueError where it is no answer."""
        answer = answer_in(loads(self._scanner.text))
        if answer is None:
            raise ValueError
        yield from self._of(answer)

    def _of(self, answer: CitedAnswer) -> Iterator[Draft]:
        if not answer.sufficient:
            return
        for statement in answer.statements:
            yield from self._new(statement)
        if not self._drafted:
            raise ValueError

    def _new(self, statement: CitedStatement) -> Iterator[Draft]:
        key = fold(statement.text)
        if key not in self._drafted:
            self._drafted.add(key)
            yield statement.draft()

    def _sufficient(self, span: Span) -> bool:
        """Say whether what stands in front of a statement lets it be shown."""
        if span.root not in self._enough:
            before = loads(self._scanner.text[span.root : span.start])
            answer = answer_in({**before, "statements": []}) if isinstance(before, dict) else None
            self._enough[span.root] = answer is None or answer.sufficient
        return self._enough[span.root]
