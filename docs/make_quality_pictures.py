"""Draw docs/pictures/reliability.svg and refusal.svg from an evaluation of Footnote, without a language model.

    uv run python docs/make_quality_pictures.py FOLDER [FOLDER…]

Each folder is a dataset in BEIR form with answers.jsonl and one split; the questions of all of them are drawn
together, so that one folder may hold the answerable and another the unanswerable ones.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from bot.answering.assessor import MIN_HOLDS
from bot.commands.evaluate import run_over
from bot.report.figures import reliability, split_confidences
from bot.report.pictures import draw_refusal, draw_reliability
from bot.settings import Settings

PICTURES = Path(__file__).parent / "pictures"


async def main(folders: list[Path]) -> None:
    """Evaluate the datasets and draw both pictures."""
    scores = []
    with tempfile.TemporaryDirectory() as data_dir:
        settings = Settings.load(data_dir=Path(data_dir))
        for folder in folders:
            (qrels,) = folder.glob("qrels/*.tsv")
            scores += (await run_over(settings, folder, qrels.stem)).scores
    reliable = draw_reliability(reliability(scores))
    (PICTURES / "reliability.svg").write_text(reliable, encoding="utf-8")
    refusal = draw_refusal(*split_confidences(scores), MIN_HOLDS)
    (PICTURES / "refusal.svg").write_text(refusal, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main([Path(argument) for argument in sys.argv[1:]]))
