from collections.abc import Iterable

import pytest

from retrieval.batches import batched


@pytest.mark.parametrize(
    ("items", "batches"),
    [([], []), ([1, 2], [[1, 2]]), ([1, 2, 3, 4], [[1, 2], [3, 4]]), (iter([1, 2, 3]), [[1, 2], [3]])],
)
def test_only_the_last_batch_is_short(items: Iterable[int], batches: list[list[int]]) -> None:
    assert list(batched(items, 2)) == batches
