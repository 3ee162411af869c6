from __future__ import annotations

from bot.discord.gate.deduplication import Deduplication


def test_an_id_is_new_once() -> None:
    seen = Deduplication()
    assert [seen.note_if_new(number) for number in (1, 2, 1, 2, 3)] == [True, True, False, False, True]


def test_the_oldest_ids_are_forgotten() -> None:
    seen = Deduplication(capacity=2)
    for number in (1, 2, 3):
        seen.note_if_new(number)
    assert not seen.note_if_new(3)
    assert seen.note_if_new(1)
