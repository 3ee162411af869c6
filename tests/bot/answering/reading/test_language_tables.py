from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.answering.reading.language_tables import MOVES, SCORES, SMALL, open_identifier

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ("does a likelihood help control?", "wie trainiert man Roboter mit Sprache?", "ロボットの言語", "Ω", "")


def _tables(folder: Path) -> Path:
    (tables,) = folder.iterdir()
    return tables


def test_mapped_tables_read_every_text_as_the_model_does(tmp_path: Path) -> None:
    model = open_identifier(None)
    for opened in (open_identifier(tmp_path), open_identifier(tmp_path)):  # the first one unpacks the tables
        assert [opened.rank(text.lower()) for text in TEXTS] == [model.rank(text.lower()) for text in TEXTS]


@pytest.mark.parametrize("name", [SCORES, MOVES, SMALL])
@pytest.mark.parametrize("damage", ["cut short", "gone"])
def test_tables_that_are_damaged_are_unpacked_again(tmp_path: Path, name: str, damage: str) -> None:
    expected = open_identifier(tmp_path).rank(TEXTS[1].lower())
    file = _tables(tmp_path) / name
    whole = file.read_bytes()
    file.unlink()
    if damage == "cut short":
        file.write_bytes(whole[: len(whole) // 2])
    assert open_identifier(tmp_path).rank(TEXTS[1].lower()) == expected
    assert (_tables(tmp_path) / name).read_bytes() == whole


def test_where_nothing_can_be_written_the_model_is_read_into_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert open_identifier(tmp_path / "file").rank("hello")
