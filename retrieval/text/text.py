"""Clean and folded copies of papers' text, the way back to the verbatim text, and sentence boundaries.

Papers are stored verbatim, so that they can be quoted; `clean` is for display, `fold` for comparison. Small tables
cover the LaTeX that occurs in abstracts: accents, escapes, a few commands and symbols.
"""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from cachetools import LRUCache, cached

if TYPE_CHECKING:
    from collections.abc import Callable

    # The replacement of a match: a string is new text, a number copies that group with its offsets.
    _Pieces = tuple[str | int, ...] | Callable[[re.Match[str]], tuple[str | int, ...]]

_ACCENTS: Final = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
}  # fmt: skip

# Other commands become their name, which suits authors' own macros (\method).
_COMMANDS: Final = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "times": "×", "cdot": "·",
    "pm": "±", "sim": "~", "approx": "≈", "leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥",
    "geqslant": "≥", "neq": "≠", "ne": "≠", "ll": "≪", "gg": "≫", "equiv": "≡", "propto": "∝", "in": "∈",
    "to": "→", "rightarrow": "→", "Rightarrow": "⇒", "leftarrow": "←", "leftrightarrow": "↔",
    "uparrow": "↑", "downarrow": "↓", "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏",
    "int": "∫", "sqrt": "√", "ell": "ℓ", "circ": "°", "deg": "°", "degree": "°", "langle": "⟨",
    "rangle": "⟩", "dots": "…", "ldots": "…", "cdots": "…", "quad": " ", "textendash": "–",
    "textemdash": "—", "textasciitilde": "~", "i": "ı", "j": "ȷ", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
    "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "ss": "ß", "aa": "å", "AA": "Å", "eg": "e.g.",
    "ie": "i.e.", "etc": "etc.", "left": "", "right": "", "em": "", "it": "", "bf": "", "rm": "",
    "tt": "", "sc": "", "displaystyle": "", "xspace": "",
}  # fmt: skip
# Binary relations are set off by spaces; "~4" and "32×32" are not.
_RELATIONS: Final = frozenset("∈≤≥≠≪≫≡∝≈→⇒←↔")
_SIGNS: Final = {
    "\\": " ",
    ",": " ",
    ";": " ",
    ":": " ",
    ">": " ",
    "!": "",
    "-": "",
    "/": "",
} | dict.fromkeys("()[]", "")

# Letters that NFKD does not decompose, and dashes and quotes that it does not unify.
_ALIKE: Final = str.maketrans(
    {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ı": "i", "ȷ": "j"}
    | {"æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe"}
    | dict.fromkeys("‐‑‒–—―−⁃", "-")
    | dict.fromkeys("‘’‚‛`´ʼ′", "'")
    | dict.fromkeys("“”„‟«»", '"')
    | dict.fromkeys("~∼", " ")
    | dict.fromkeys("{}$\\", "")
)  # fmt: skip

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NOT_PLAIN: Final = re.compile(r"[^\x00-\x7f]|[`~{}$\\]")

_GROUP: Final = r"\{([^{}]*)\}"
# Real abstracts do not nest deeper, and the bound keeps hostile input linear.
_DEEPEST_NESTING: Final = 4
_MOST_ACCENTS: Final = 2  # on one letter, as in Nguy{\~{\^e}}n

_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff]+"
)
_OUTER_BLANKS: Final = re.compile(r"\A\s+|\s+\Z")
_BLANKS: Final = re.compile(r"[^\S ]\s*| \s+")
# Pandoc's rule to tell maths from prices: no space inside the dollars and no digit after them, unless a command occurs.
_MATHS: Final = re.compile(r"(?<!\\)\$(?=\S)(?=[^$]*(?:\\[A-Za-z]|\$(?!\d)))([^$]*)(?<![\s\\])\$")
_ACCENT: Final = re.compile(
    r"""(?P<open>\{)?\\(?:(?P<mark>["'`^~=.])(?:(?P<letter>[^\W\d_])|\{?\\?(?P<dotless>[ij])(?![A-Za-z])\}?|\{(?P<grouped>[^\W\d_])\})
    |(?P<named>[uvHcdkr])\{(?P<named_letter>[A-Za-z])\})(?(open)\})""",
    re.VERBOSE,
)
_WITH_GROUPS: Final[tuple[tuple[re.Pattern[str], tuple[str | int, ...]], ...]] = (
    (re.compile(r"[\s~]*\\(?:cite\w*|label|ref|color)\*?(?:\[[^\]]*\])?\{[^{}]*\}"), ()),
    # When one command directly follows another, the second's text must not be glued to the first one's name.
    (re.compile(r"(?<!\\)(\\[A-Za-z]+)(?=\\[A-Za-z]+\*?\{)"), (1, "{}")),
    (re.compile(r"\\(?:begin|end)\{[A-Za-z]+\*?\}"), (" ",)),
    (re.compile(rf"\\footnote{_GROUP}"), (" (", 1, ")")),
    (re.compile(rf"\\frac{_GROUP}{_GROUP}"), (1, "/", 2)),
    (re.compile(rf"\\sqrt{_GROUP}"), ("√", 1)),
    (re.compile(rf"\\href{_GROUP}\{{\1\}}"), (1,)),
    (re.compile(rf"\\href{_GROUP}{_GROUP}"), (1, " (", 2, ")")),
    (re.compile(rf"\\(?:textcolor|hyperlink){_GROUP}{_GROUP}"), (2,)),
    (re.compile(r"\{\\(?:em|it|bf|rm|tt|sc)\s+([^{}]*)\}"), (1,)),
    (re.compile(r"\\[A-Za-z]+\*?\{([^{}]+)\}"), (1,)),
    (re.compile(rf"([\^_]){_GROUP}"), (1, 2)),
)
_COMMAND: Final = re.compile(
    r"\^?\\(?P<circle>circ|deg)(?![A-Za-z])|\\(?P<name>[A-Za-z]+)\*?(?:\{\})?|\\(?P<sign>[^A-Za-z]?)",
    re.DOTALL,
)
# A full stop at the end of a sentence, even before a closing bracket, is not part of the URL.
_ADDRESS: Final = r"""(?P<address>https?://\S*[^\s.'")\]}”’»])(?:\.+([)\]}'"”’»]*)(?=\s|$))?"""
_QUOTES: Final = re.compile("``|''")
# Four or more dashes are a horizontal rule, and a tilde before a number (~4%) means "about".
_DASHES_AND_TIES: Final = re.compile(_ADDRESS + r"|(?<!-)-{2,3}(?!-)|(?<=[\w.,;:)\]}=])~(?<!\d~(?=\d))")
_REPEATED: Final = re.compile(r"-{2,}|''")
# ASCII that some rule here would change, apart from whitespace; most texts have none and take a ten times faster path.
_CHANGED: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f`~{}$\\]|''|--|https?://")


_ASIDE: Final = re.compile(r"\((?:[^()]++|\([^()]*+\)){1,400}+\)")
_HEADER: Final = re.compile(r"\s*[A-Z][a-z]+\.\s+")
_NEXT_WORD: Final = re.compile(r"(?P<opening>(?:\\[A-Za-z]+\{|[^\w\s])*)(?P<word>\w*)")
_NOT_IN_WORD: Final = re.compile(r"""[\s(\[{"'“‘`~/–—]+""")
_ITEM: Final = re.compile(r"(?:\A|[.:;!?)]\s+|\n)\(?(?:\d{1,2}|[A-Za-z]|[ivx]{2,4})\Z")
_INITIALS: Final = re.compile(r"[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]")
_LETTERED: Final = re.compile(r"\((?:[a-h]|[ivx]+)\)")
# How many characters before a stop are searched for an abbreviation or an item number.
_LOOK_BACK: Final = 12
_NEVER_LAST: Final = frozenset({
    "approx", "ca", "cf", "e.g", "eg", "i.e", "ie", "s.t", "viz", "vs", "Dr", "Mr", "Mrs", "Ms", "Prof",
    "St", "w.r.t", "wrt",
})  # fmt: skip
_BEFORE_NUMBERS: Final = frozenset({
    "al", "app", "art", "ch", "chap", "def", "eq", "eqn", "eqns", "eqs", "fig", "figs", "lem", "no",
    "nos", "p", "pp", "prop", "ref", "refs", "sec", "sect", "secs", "tab", "thm", "vol",
})  # fmt: skip
# After initials, or if the space is missing, only these words start a sentence: "the U.S. The" and "done.We" are ends,
# "the U.S. Congress", "J. Smith" and "TaskMatrix.AI" are not.
_OPENERS: Final = frozenset({
    "A", "Additionally", "All", "An", "And", "As", "At", "Based", "Both", "But", "By", "Code", "Each",
    "Even", "Finally", "First", "For", "From", "Further", "Furthermore", "Given", "Hence", "Here", "How",
    "However", "If", "In", "Instead", "It", "Its", "Many", "Most", "Moreover", "Next", "On", "Our",
    "Recent", "Recently", "Second", "Since", "So", "Some", "Specifically", "Such", "That", "The", "Their",
    "Then", "There", "Therefore", "These", "They", "This", "Those", "Though", "Through", "Thus", "To",
    "Under", "Unlike", "Using", "We", "What", "When", "Where", "Whether", "Which", "While", "Why", "With",
    "Yet",
})  # fmt: skip
_POSSIBLE_END: Final = re.compile(
    # Stops, closing brackets and quotes (two apostrophes in TeX), whitespace; possessive, so that "....." stays linear.
    # Or an East Asian stop, a stop without a space after it, the end of a paragraph, a horizontal rule.
    r"""(?<![.!?…])(?P<stop>[.!?…]++)[)\]}"'”’»]*+\s+|(?<=[。！？])(?=.)"""
    rf"""|(?<=[a-z)][.!?])(?=(?:{"|".join(sorted(_OPENERS))})\s)|\n\s*\n|(?<=\s)-{{4,}}\s+"""
)


# In characters: one answer folds the same abstracts a hundred times. Bounded by length, because a text may be long.
_CACHED_CHARACTERS: Final = 2_000_000
_ENTRY: Final = 300  # overhead of a cache entry, in characters: a file may have millions of short titles
_BARE_WORD: Final = re.compile(r"[^\W_]+")  # runs of `str.isalnum`, without a Python loop over the characters


@dataclass(frozen=True, slots=True)
class _Traced:
    """A rewritten text; its character i comes from `verbatim[starts[i]:ends[i]]`."""

    text: str
    starts: list[int]
    ends: list[int]

    def rewrite(self, pattern: re.Pattern[str], pieces: _Pieces) -> _Traced:
        """Replace every match with its pieces."""
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []

        def keep(begin: int, end: int) -> None:
            text.append(self.text[begin:end])
            starts.extend(self.starts[begin:end])
            ends.extend(self.ends[begin:end])

        done = 0
        for match in pattern.finditer(self.text):
            begin, end = match.span()
            keep(done, begin)
            done = begin
            for piece in pieces(match) if callable(pieces) else pieces:
                if isinstance(piece, int):
                    keep(*match.span(piece))
                    done = match.end(piece)
                else:
                    text.append(piece)
                    starts.extend([self.starts[done]] * len(piece))
                    ends.extend([self.ends[end - 1]] * len(piece))
            done = end
        if not done:
            return self
        keep(done, len(self.text))
        return _Traced("".join(text), starts, ends)

    def one_line(self) -> _Traced:
        """Collapse whitespace, and strip both ends."""
        return self.rewrite(_OUTER_BLANKS, ()).rewrite(_BLANKS, (" ",))

    def cleaned(self) -> _Traced:
        """Apply `clean`, except for the NFC normalisation."""
        traced = self.rewrite(_INVISIBLE, ())
        if "$" in self.text:
            traced = traced.rewrite(_MATHS, (1,))
        if "\\" in self.text:
            for _ in range(_MOST_ACCENTS):
                traced = traced.rewrite(_ACCENT, _accented)
            for _ in range(_DEEPEST_NESTING):
                for pattern, pieces in _WITH_GROUPS:
                    traced = traced.rewrite(pattern, pieces)
            traced = traced.rewrite(_COMMAND, _command)
        traced = traced.rewrite(_QUOTES, lambda match: ("“" if match[0] == "``" else "”",))
        return traced.rewrite(_DASHES_AND_TIES, _dash_or_tie).one_line()

    def folded(self) -> _Traced:
        """Apply `fold`."""
        traced = self.cleaned().rewrite(_NOT_PLAIN, lambda match: (_folded_character(match[0]),))
        # ASCII is lowercased last, because other characters may have become upper-case ASCII ("™" is "TM").
        traced = _Traced(traced.text.translate(_LOWER), traced.starts, traced.ends)
        return traced.rewrite(_REPEATED, lambda match: ("-" if match[0][0] == "-" else '"',)).one_line()


def _trace(text: str) -> _Traced:
    return _Traced(text, list(range(len(text))), list(range(1, len(text) + 1)))


def _accented(match: re.Match[str]) -> tuple[str | int, ...]:
    accent = match["mark"] or match["named"]
    letter = match["letter"] or match["dotless"] or match["grouped"] or match["named_letter"]
    composed = unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    # A combination that does not exist is no accent but an escaped quote, as in \"quoted\".
    return (composed if len(composed) == 1 else accent + letter,)


def _command(match: re.Match[str]) -> tuple[str | int, ...]:
    if match["circle"]:
        return ("°",)
    if name := match["name"]:
        sign = _COMMANDS.get(name, name)
        return (f" {sign} " if sign in _RELATIONS else sign,)
    return (_SIGNS.get(match["sign"], match["sign"]),)


def _dash_or_tie(match: re.Match[str]) -> tuple[str | int, ...]:
    if match["address"]:
        return 1, 2
    return ({"--": "–", "---": "—", "~": " "}[match[0]],)


@functools.cache
def _folded_character(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character.translate(_ALIKE).casefold())
    bare = "".join(part for part in decomposed if not "\u0300" <= part <= "\u036f")
    return unicodedata.normalize("NFC", bare.translate(_ALIKE))


def _size(text: str) -> int:
    return len(text) + _ENTRY


@cached(LRUCache(_CACHED_CHARACTERS, getsizeof=_size), lock=Lock())
def clean(text: str) -> str:
    """A readable copy on one line: LaTeX resolved, typographic quotes and dashes, NFC."""
    if _stays(text):
        return " ".join(text.split())
    return unicodedata.normalize("NFC", _trace(text).cleaned().text)


@cached(LRUCache(_CACHED_CHARACTERS, getsizeof=_size), lock=Lock())
def fold(text: str) -> str:
    r"""Normalise a text for comparison and search: clean, case-folded, without accents, one kind of dash and quote.

    A verbatim text, its clean copy and what people type ("tulu" for T\"ULU) fold to the same string.
    """
    return " ".join(text.lower().split()) if _stays(text) else _trace(text).folded().text


def _stays(text: str) -> bool:
    """Whether only whitespace and capital letters would change."""
    return text.isascii() and not _CHANGED.search(text)


def bare_words(text: str) -> list[str]:
    """The runs of letters and digits in a text, unchanged."""
    return _BARE_WORD.findall(text)


@dataclass(frozen=True, slots=True)
class Folded:
    """`fold(verbatim)`, where character i comes from `verbatim[starts[i]:ends[i]]`."""

    text: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, verbatim: str) -> Self:
        """Fold a verbatim text."""
        traced = _trace(verbatim).folded()
        return cls(traced.text, traced.starts, traced.ends)

    def locate(self, quote: str) -> tuple[int, int] | None:
        """The verbatim span of the first occurrence of the quote, compared folded; None if there is none."""
        needle = fold(quote)
        found = self.text.find(needle) if needle else -1
        return None if found < 0 else (self.starts[found], self.ends[found + len(needle) - 1])


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into sentences: their verbatim (start, end), in order, covering everything but whitespace.

    A one-word header ("Background.") belongs to the sentence after it; a horizontal rule is a span of its own.
    Why no library: on the abstracts tried, pysbd took 30 ms each and split URLs and enumerations, and syntok took 4 ms;
    this takes a fraction of a millisecond and knows the abbreviations of papers.
    """
    cuts = [0]
    enclosed = {offset for aside in _ASIDE.finditer(text) for offset in range(*aside.span())}
    for match in _POSSIBLE_END.finditer(text):
        if match["stop"] and (match.start() in enclosed or not _ends_sentence(text, match)):
            continue
        if not _HEADER.fullmatch(text, cuts[-1], match.end()):
            cuts.append(match.end())
    pieces = ((begin, text[begin:end]) for begin, end in pairwise([*cuts, len(text)]))
    return tuple(
        (begin + len(piece) - len(piece.lstrip()), begin + len(piece.rstrip()))
        for begin, piece in pieces
        if piece.strip()
    )


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    if match[0].count("\n") > 1:
        return True
    after = _NEXT_WORD.match(text, match.end())
    brackets, word = (after["opening"], after["word"]) if after else ("", "")
    # A lower-case word continues the sentence; names (vLLM, iOS), maths and lettered items may start one.
    if word.islower() and not brackets.endswith(("$", "\\")) and not _LETTERED.match(text, match.end()):
        return False
    if match["stop"] != ".":
        return True
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    token = _NOT_IN_WORD.split(before)[-1]
    numbered = brackets.startswith(("(", "[")) or word[:1].isdigit() or len(word) == 1
    if token in _NEVER_LAST or (numbered and token.lower() in _BEFORE_NUMBERS):
        return False
    if _ITEM.search(before):
        return False
    return word in _OPENERS or not _INITIALS.fullmatch(token)
