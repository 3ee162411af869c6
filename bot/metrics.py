"""The process's metrics, under the names that Prometheus reads.

No label holds anybody's words, names or ids.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds; answers take 0.1 to 0.5 without a language model, and up to FOOTNOTE_LLM__TIMEOUT or more with one.
_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60)

disable_created_metrics()  # type: ignore[no-untyped-call]  # when each counter began, which nobody asks for

BUILD: Final = Info("footnote", "The version that runs.")
QUESTIONS: Final = Counter(
    "footnote_questions", "Questions, by outcome: answered, closest, refused, failed.", ["outcome"]
)
ANSWER_SECONDS: Final = Histogram(
    "footnote_answer_seconds", "Seconds from a question to its whole answer, waits included.", buckets=_BUCKETS
)
MODEL_CALLS: Final = Counter(
    "footnote_model_calls", "Calls to the language model, by purpose and result: ok or failed.", ["purpose", "result"]
)
MODEL_TOKENS: Final = Counter(
    "footnote_model_tokens", "Tokens, by purpose and direction: prompt or completion.", ["purpose", "direction"]
)
GATEWAY_LATENCY: Final = Gauge(
    "footnote_gateway_latency_seconds", "Seconds between the last heartbeat and its reply.", ["shard"]
)
HEARTBEAT_AGE: Final = Gauge(
    "footnote_gateway_heartbeat_age_seconds", "Seconds since Discord last replied to a heartbeat.", ["shard"]
)
GATEWAY_BREAKS: Final = Counter("footnote_gateway_disconnects", "Connections to the Gateway that ended.")
DIGESTS: Final = Counter("footnote_digests", "Digests, by outcome: posted, put_off, paused.", ["outcome"])
DIGEST_OVERDUE: Final = Gauge("footnote_digest_overdue_seconds", "Seconds since the oldest digest is due; 0 for none.")
PAPERS: Final = Gauge("footnote_library_papers", "Papers in the library.")
CHUNKS: Final = Gauge("footnote_library_chunks", "Chunks of them.")
PENDING: Final = Gauge("footnote_library_pending", "Papers that wait to be indexed.")
FETCHES: Final = Counter(
    "footnote_source_fetches", "Readings of a source, by result: ok or failed.", ["source", "result"]
)
FAILING: Final = Gauge("footnote_sources_failing", "Sources that are in trouble.")
# A counter that only appears with its first event does not increase for Prometheus, which would miss that event.
for _outcome in ("answered", "closest", "refused", "failed"):
    QUESTIONS.labels(_outcome)
for _outcome in ("posted", "put_off", "paused"):
    DIGESTS.labels(_outcome)
UP: Final = Gauge("footnote_healthy", "Whether a part is well, as /healthz says.", ["part"])


def expect_model_calls() -> None:
    """Create the counters of language model calls at 0, for the same reason."""
    for purpose in ("answer", "rewrite", "translation", "judge", "digest"):
        for result in ("ok", "failed"):
            MODEL_CALLS.labels(purpose, result)
        for direction in ("prompt", "completion"):
            MODEL_TOKENS.labels(purpose, direction)


def count_model_calls(purpose: str, result: str, tokens: tuple[int, int], calls: int = 1) -> None:
    """Count calls to what writes, with the tokens of their prompts and completions."""
    MODEL_CALLS.labels(purpose, result).inc(calls)
    for direction, count in zip(("prompt", "completion"), tokens, strict=True):
        MODEL_TOKENS.labels(purpose, direction).inc(count)


@contextmanager
def counting_failures() -> Iterator[None]:
    """Count a question as failed if the block raises."""
    try:
        yield
    except Exception:
        QUESTIONS.labels("failed").inc()
        raise
