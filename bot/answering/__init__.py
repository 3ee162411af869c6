"""Turn a question into an Answer in which every statement rests on a checked quote; knows nothing of Discord."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` takes longer than importing this package

if TYPE_CHECKING:
    from bot.answering.answer import Answer, Citation, NearPaper, Statement
    from bot.answering.answer_score import AnswerScore
    from bot.answering.answerer import Answerer, Attached
    from bot.answering.conversation import Exchange
    from bot.answering.outcome import Outcome
    from bot.answering.writer import AnswerWriter
else:
    from retrieval.lazy_exports import lazy

    __getattr__ = lazy(
        __name__,
        {
            "Answer": "answer",
            "Citation": "answer",
            "NearPaper": "answer",
            "Outcome": "outcome",
            "Statement": "answer",
            "Answerer": "answerer",
            "Attached": "answerer",
            "Exchange": "conversation",
            "AnswerScore": "answer_score",
            "AnswerWriter": "writer",
        },
    )

__all__ = [
    "Answer",
    "AnswerScore",
    "AnswerWriter",
    "Answerer",
    "Attached",
    "Citation",
    "Exchange",
    "NearPaper",
    "Outcome",
    "Statement",
]
