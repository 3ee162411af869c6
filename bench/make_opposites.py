"""Write bot/answering/entailment/opposites.json: words and their opposites, from WordNet's antonyms.

    uv run python bench/make_opposites.py WORDNET_FOLDER PAPERS.jsonl.gz...

The folder is the `dict` of WordNet 3 (Debian: wordnet-base, in /usr/share/wordnet); the papers show which words are in
use. A word has its own antonyms, and those of its synonyms and of its hypernym verb (to shorten is to decrease, and
increase is its opposite). WordNet has no prepositions and few quantifiers: those are at the end of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Mapping


import argparse
import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from retrieval.text.text import bare_words, fold

OUT = Path("bot/answering/entailment/opposites.json")
COMMAND = "bench/make_opposites.py /usr/share/wordnet arxiv-20k.jsonl.gz hf-weekly-5680.jsonl.gz"
SENSES = 2  # of a word that count; the others are rare
LEAST = 4  # times that a word must be in use
ENDINGS = (
    ("", "s", "es", "ed", "d", "ing", "er", "est", "r", "st"),
    (("ies", "y"), ("ied", "y"), ("ier", "y"), ("iest", "y"), ("ing", "e"), ("ed", "e"), ("er", "e")),
)
BESIDES = (
    "outperform trail, beat trail, improve reduce, improve lower, increase lower, enhance lower, minimize maximize, "
    "before after, above below, inside outside, more less, more fewer, most least, many few, always never, all "
    "none, everything nothing, increase decrease, increase reduce, improve degrade, improve worsen, improve harm, "
    "improve hurt, outperform underperform, exceed trail, gain loss, gain drop, gain lose, grow shrink, rise drop, "
    "raise lower, accelerate slow, beneficial detrimental, benefit suffer, help hinder, help harm, expand reduce, "
    "encourage discourage, same different, similar different, strengthen weaken, superior inferior, enable prevent, "
    "rely independent, larger smaller, longer shorter, sufficient insufficient, succeed fail, fast slow, quick "
    "slow, shorten lengthen, enhance reduce, enhance impair, good poor, good bad, low high, small large, decline "
    "rise, decline grow, increase shrink, improve impair, reliable unreliable, boost reduce, boost lower, boost "
    "hurt, cut increase, easy hard, easy difficult, higher lower, fast slowly, quickly slowly, rarely often, seldom "
    "often, rarely usually, hardly mostly, hardly largely, success failure, positive negative, surpass trail, "
    "alleviate aggravate, mitigate worsen, mitigate aggravate, outside within, unlike like, keep remove, add "
    "remove, agree disagree, first last"
)


class Synset(NamedTuple):
    """The words of a meaning, and its pointers: sign, synset, and the places of the two words (0: all)."""

    words: list[str]
    pointers: list[tuple[str, str, int, int]]


def read(folder: Path) -> tuple[dict[str, Synset], dict[tuple[str, str], list[str]]]:
    """Synsets by part of speech and offset, and the synsets of each word, most common first."""
    synsets, senses = {}, {}
    for letter, name in (("n", "noun"), ("v", "verb"), ("a", "adj"), ("r", "adv")):
        for line in (folder / f"data.{name}").read_text("utf-8").splitlines():
            if not line.startswith(" "):
                synsets[letter + line[:8]] = parse(line)
        for line in (folder / f"index.{name}").read_text("utf-8").splitlines():
            if not line.startswith(" "):
                fields = line.split()
                senses[fields[0], letter] = [letter + offset for offset in fields[-int(fields[2]) :]]
    return synsets, senses


def parse(line: str) -> Synset:
    """Parse a line of a data file."""
    fields = line.split(" | ", maxsplit=1)[0].split()
    count = int(fields[3], 16)
    words = [word.lower().split("(")[0] for word in fields[4 : 4 + 2 * count : 2]]
    start = 5 + 2 * count
    pointers = []
    for at in range(int(fields[start - 1])):
        sign, offset, pos, places = fields[start + 4 * at : start + 4 * at + 4]
        pointers.append((sign, ("a" if pos == "s" else pos) + offset, *bytes.fromhex(places)))
    return Synset(words, pointers)


def exceptions(folder: Path) -> dict[tuple[str, str], list[str]]:
    """The base forms of irregular forms."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for letter, name in (("n", "noun"), ("v", "verb"), ("a", "adj"), ("r", "adv")):
        for line in (folder / f"{name}.exc").read_text("utf-8").splitlines():
            form, *lemmas = line.split()
            found[form, letter] += lemmas
    return found


def lemmas(
    word: str, letter: str, senses: Container[tuple[str, str]], irregular: Mapping[tuple[str, str], list[str]]
) -> list[str]:
    """The possible base forms of a word, as one part of speech."""
    found = list(irregular.get((word, letter), []))
    found += [word[: len(word) - len(ending)] for ending in ENDINGS[0] if word.endswith(ending)]
    found += [word[: len(word) - len(old)] + new for old, new in ENDINGS[1] if word.endswith(old)]
    found += [stem[:-1] for stem in found if len(stem) > 3 and stem[-1:] == stem[-2:-1]]
    return [lemma for lemma in dict.fromkeys(found) if (lemma, letter) in senses]


def in_use(files: list[Path]) -> list[str]:
    """The words that papers use."""
    counts: Counter[str] = Counter()
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                paper = json.loads(line)
                counts.update(bare_words(fold(f"{paper['title']} {paper['abstract']}")))
    return sorted(word for word, count in counts.items() if count >= LEAST and word.isalpha() and len(word) > 2)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path)
    parser.add_argument("papers", type=Path, nargs="+")
    arguments = parser.parse_args()
    synsets, senses = read(arguments.wordnet)
    irregular = exceptions(arguments.wordnet)
    besides = [tuple(pair.split()) for pair in BESIDES.split(", ")]
    antonyms = {frozenset(pair) for pair in besides}
    for synset in synsets.values():
        for sign, other, here, there in synset.pointers:
            if sign == "!" and here and there:
                antonyms.add(frozenset((synset.words[here - 1], synsets[other].words[there - 1])))
    known = {word for pair in antonyms for word in pair}
    words: dict[str, dict[str, list[str]]] = {}
    for word in in_use(arguments.papers):
        own, near = set(), set()
        for letter in "nvar":
            for lemma in lemmas(word, letter, senses, irregular):
                own.add(lemma)
                for offset in senses[lemma, letter][:SENSES]:
                    synset = synsets[offset]
                    near.update(synset.words)
                    for sign, other, here, _ in synset.pointers:
                        means = not here or synset.words[here - 1] == lemma
                        # An adverb's adjective, a noun's verb, an adjective's similar ones, and a verb's hypernym.
                        wanted = "\\+&" + ("@" if letter == "v" else "")
                        if means and sign in wanted and (sign != "+" or letter == "n"):
                            near.update(synsets[other].words)
        own |= {each for pair in besides for each in pair if each == word}
        words[word] = {"own": sorted(own & known), "near": sorted((near - own) & known)}
    partners = {word: {other for pair in antonyms if word in pair for other in pair - {word}} for word in known}
    held = {each for entry in words.values() for kind in entry.values() for each in kind}
    kept = {word for word in held if partners[word] & held}
    words = {
        word: {kind: [each for each in entry[kind] if each in kept] for kind in ("own", "near")}
        for word, entry in words.items()
    }
    pairs = sorted(sorted(pair) for pair in antonyms if len(pair) == 2 and pair <= kept)
    data = {
        "command": f"uv run python {COMMAND}",
        "source": "WordNet 3.0, Princeton University, and the pairs at the end of the command's file",
        "pairs": [" ".join(pair) for pair in pairs],
        "words": {
            word: "|".join(" ".join(entry[kind]) for kind in ("own", "near"))
            for word, entry in sorted(words.items())
            if entry["own"] or entry["near"]
        },
    }
    OUT.write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(len(pairs), "pairs,", len(data["words"]), "words")


if __name__ == "__main__":
    main()
