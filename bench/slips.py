"""Write a copy of a BEIR folder with two typos in each standalone question, for `footnote eval`.

    uv run python bench/slips.py EVAL_FOLDER OUT

A typo drops, doubles, swaps or replaces a letter, in lower-case words of six or more letters. The same folder always
gets the same typos.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from pathlib import Path
from string import ascii_lowercase

SLIPS = 2
SHORTEST = 6  # letters


def slip(word: str, chance: random.Random) -> str:
    """Make one slip inside a word."""
    at = chance.randrange(1, len(word) - 1)
    before, letter, following, rest = word[:at], word[at], word[at + 1], word[at + 2 :]
    return chance.choice(
        [
            before + following + rest,
            before + letter + letter + following + rest,
            before + following + letter + rest,
            before + chance.choice(ascii_lowercase) + following + rest,
        ]
    )


def misspell(text: str, chance: random.Random) -> str:
    """Make the slips of one question."""
    words = text.split()
    long = [at for at, word in enumerate(words) if len(word) >= SHORTEST and word.isalpha() and word.islower()]
    for at in chance.sample(long, min(SLIPS, len(long))):
        words[at] = slip(words[at], chance)
    return " ".join(words)


def main() -> None:
    """Copy the folder with its standalone questions alone, misspelt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    shutil.copytree(options.folder, options.out)
    judged = map(json.loads, (options.folder / "answers.jsonl").read_text(encoding="utf-8").splitlines())
    single = {each["query_id"] for each in judged if each["kind"].startswith("single")}
    chance = random.Random(5)
    with (options.out / "queries.jsonl").open("w", encoding="utf-8") as file:
        for line in (options.folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
            query = json.loads(line)
            if query["_id"] in single:
                file.write(json.dumps(query | {"text": misspell(query["text"], chance)}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
