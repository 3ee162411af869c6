"""Read a question by rules: small talk or not, one fact, several papers or a comparison, and what is asked for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import tantivy

from retrieval.query import QUESTION_WORDS
from retrieval.text import sentences

GREETINGS: Final = """
hi hello hey heya hiya howdy yo sup greetings morning afternoon evening night gm gn hola hallo salut ciao servus
moin thanks thank thx ty tysm cheers merci danke gracias bye goodbye cya ok okay k kk cool nice great awesome perfect
lol lmao haha hehe wow yes no yep nope yeah nah sure sorry welcome please pls test testing ping pong hmm hm oh ah
"""
FILLERS: Final = """
a again all and are at bot buddy day dear do doing everybody everyone for footnote folks friend going good guys have
help how i is it just job lot m man mate me much my name nice of re s so still that the there this to today tonight
u up very was we well what whats work you your youre
"""
# Whole sentences of small talk whose words alone do not give them away.
CHATTER: Final = re.compile(
    r"(?:how are (?:you|u)\b.*|how(?: i|')?s it going.*|what(?: i|')?s up.*|who are (?:you|u)|what are (?:you|u)"
    r"|(?:are|r) (?:you|u) (?:a |an )?(?:bot|human|ai|real|there|ok|alive|robot)\b.*|what(?: i|')?s your name"
    r"|what can (?:you|u) do.*|tell me a joke|good (?:bot|job|work)|(?:help|help me)(?: please)?"
    r"|nice to meet you|(?:i )?(?:love|like|hate) (?:you|u))"
)

WORKS: Final = r"(?:papers|publications|articles|studies|preprints|surveys|theses|researchers|authors|groups|teams)"
ARTEFACTS: Final = (
    r"(?:agents|algorithms|approaches|architectures|attacks|baselines|benchmarks|corpora|datasets|data ?sets"
    r"|defen[cs]es|environments|evaluations|examples|experiments|frameworks|ideas|libraries|losses|methods|metrics|models|options"
    r"|packages|projects|representations|simulators|solutions|strategies|systems|tasks|techniques|theories|toolkits|tools|tricks|ways"
    r"|works)"
)
HERE: Final = (
    r"(?:here|in (?:the|this|your|our) (?:library|collection|corpus|index)|(?:do|have) (?:we|you)(?: got| have)?"
    r"|you(?:'ve| have)(?: got)?|we(?:'ve| have)(?: got)?|(?:is|are|exist)s? there|exists?|out there)"
)
LIST: Final = tuple(
    re.compile(pattern)
    for pattern in (
        (
            rf"\b(?:which|what|any|all|other|more|some|these|list|name|recommend|show|give|find|two|three|several)\b"
            rf"(?: \S+){{0,4}} {WORKS}\b"
        ),
        rf"^(?:\S+ ){{0,3}}{WORKS}\b",
        r"\b(?:everything|all|whatever|anything) (?:that )?(?:you|we|u)(?:'ve)?\b",
        r"\b(?:who|anyone|anybody|what|which|any(?:thing)?) else\b",
        r"\bany (?:\S+ ){1,4}stuff\b|\bstuff (?:on|about)\b",
        r"\bwhat (?:do|have) (?:we|you|u)(?: got| have)?\b(?! (?:mean|think|do|say|call))",
        r"\b(?:reading list|overview of (?:the )?(?:papers|literature|work)|related work|state of the art)\b",
        rf"^(?:list|recommend|suggest)\b.*(?:{ARTEFACTS}|{WORKS})\b",
        # "which methods here work ..." asks for several; "which datasets did the paper use" for one paper's.
        (
            rf"\b(?:which|what|any)(?: \S+){{0,3}} {ARTEFACTS}\b(?! ?(?:[,+&]|and\b))"
            r"(?! (?:did|does|was|were|has|had|is|the)\b)(?! (?:do|are|have) (?:they|it|the|this|that)\b)"
        ),
        rf"^(?:the )?(?:[\w-]+ ){{0,2}}{ARTEFACTS} (?:of|for|that|which|on|to|with|in|using|where|without)\b",
        r"^(?:[\w-]+ ){0,3}(?:agents|literature|research|theory|work) (?:about|of|for|that|which|on|to|with|in)\b",
        rf"\bhow do (?:\S+ ){{1,5}}{HERE}\b",
        (
            r"^who (?:else|all|reports?|uses|studies|studied|proposes|evaluates|tests|works|tried|tries|has tried|have"
            r"|looks|deals|investigates|explores)\b"
        ),
        r"\bwhat (?:is|'s) there (?:about|on|for)\b",
        r"\bdifferent (?:ways|approaches|methods|takes)\b",
    )
)
SIDES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bcompare (?P<a>.+?) (?:and|with|to|against|versus|vs\.?) (?P<b>.+)",
        r"\bcomparison (?:of|between) (?P<a>.+?) (?:and|with|to|versus|vs\.?) (?P<b>.+)",
        r"\bdifferences? between (?P<a>.+?) and (?P<b>.+)",
        r"\bhow (?:does|do|did|is|are) (?P<a>.+?) (?:differ(?:s|ent)?|compare[sd]?) (?:from|to|with|against) (?P<b>.+)",
        r"\bhow (?:do|did|does) (?P<a>.+?) and (?P<b>.+?) (?:differ|compare)\b",
        r"(?P<a>.+?),? (?:vs\.?|versus) (?P<b>.+)",
    )
)
COMPARE: Final = re.compile(
    r"\bcompare\b|\bcomparison (?:of|between)\b|\bdiffer\b|\bdifferences? between\b|\b(?:vs|versus)\b"
    r"|\bwhat(?:'s| is) the difference\b"
)
# Where the second side of a comparison ends: what follows asks about both.
SIDE_END: Final = re.compile(r"[?!;:]|[,.] |\bin terms of\b|\bwith respect to\b|\bwhen it comes to\b|\s+-+\s+")

# A sentence that gives the bot orders, pings or links instead of asking about papers.
ORDER: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b(?:above|previous|prior|earlier|instructions?|rules?"
    r"|everything|guidelines|prompt)\b"
    r"|\b(?:system|developer|hidden|initial) (?:prompt|message|instructions?)\b"
    r"|\b(?:api|secret|bot|access) (?:key|token)s?\b|^\W*(?:system|assistant|developer|admin)\b\W*[:>\]]"
    r"|\byou are now\b|\bpretend (?:to be|you|that)\b|\bact as an?\b"
    r"|\b(?:role ?-?play|jailbreak\w*|developer mode)\b|\b(?:respond|reply|answer) (?:only |just )?with\b"
    r"|\b(?:cite|quote) (?:it|this|that|paper) (?:as|number)\b"
    r"|@(?:everyone|here)\b|<@[!&]?\d+>|<\|?\w+\|?>|</\w+>|```|\]\([^)]*\)|https?://\S+"
)


# An aside that tells what is not meant: what is PASTA (not the food)?
NOT_MEANT: Final = re.compile(r"\((?:but |and )?not? [^()]*\)", re.IGNORECASE)


class Kind(StrEnum):
    """Say what a question asks for: nothing, one paper's word, several papers, or two sides."""

    SMALL_TALK = "small talk"  # greetings, thanks, and what holds no word at all
    SINGLE = "single"
    LIST = "list"
    COMPARE = "compare"


class Want(StrEnum):
    """Name a kind of thing that the answering sentence should hold."""

    NUMBER = "number"
    NAME = "name"
    DATASET = "dataset"
    LINK = "link"
    REASON = "reason"
    RESULT = "result"
    METHOD = "method"
    OVERVIEW = "overview"


# Ordered from the most to the least telling; a question may want several.
WANTS: Final = (
    (
        Want.LINK,
        (
            r"\b(?:repo(?:sitory)?|github|urls?|links?|(?:a|its|the|their) website|homepage|download|source code)\b"
            r"|\bcode (?:available|released)\b|\bwhere(?:'?s| is| can)\b.*\b(?:code|data|dataset|weights|model)\b"
        ),
    ),
    (
        Want.NUMBER,
        (
            r"\bhow (?:many|much|often|long|large|big|fast|small|far|accurate|likely)\b|\b(?:percent(?:age)?|accurac\w+"
            r"|acurac\w+|scores?|numbers? of|rate|ratio|size|gains?|speed-?up|f1|bleu|parameters|cost|duration"
            r"|before and after|fraction|share of|prevalence|frequency|p-value|odds)\b"
        ),
    ),
    (Want.DATASET, r"\b(?:data ?sets?|datset|benchmarks?|corpus|corpora|test ?sets?)\b"),
    (
        Want.NAME,
        r"\b(?:called|named?|names|which|who|whose|abbreviation|acronym|title)\b|\bstands? for\b",
    ),
    (
        Want.REASON,
        r"\b(?:why|reasons?|because|causes?d?|due to|explains?|what makes|how come|problem|issues?|hard)\b",
    ),
    (
        Want.RESULT,
        (
            r"\b(?:outperforms?|better|worse|beats?|improv\w+|help(?:s|ful)?|results?|findings?|found|effect\w*|hurts?|works?"
            r"|compared?|gains?|performance|succe\w+|fails?|advantages?|really|matters?|conclu\w+|evidence|shown?|prove[dns]?)\b"
            r"|^(?:does|do|is|are|can|has|have|did|will)\b"
        ),
    ),
    (
        Want.METHOD,
        r"\bhow (?:do|does|did|to|can|is|are|would|was|were)\b|\b(?:approach|method|technique|trained?|built|trick)\b",
    ),
    (
        Want.OVERVIEW,
        (
            r"\b(?:overview|summar\w+|tl;?dr|about|explain|describe|novel|novelty|contribution|main idea|gist|inside)\b"
            r"|^what(?:'?s| is| are)\b"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """Hold a question as the rules read it.

    Attributes:
        text: the question in one line, verbatim otherwise.
        kind: how many papers it asks for, if any.
        wants: the kinds of thing that its answer should hold.
        sides: the two things compared, or nothing where they are not named.
        terms: its stemmed content words, each once, in order.
    """

    text: str
    kind: Kind
    wants: frozenset[Want]
    sides: tuple[str, ...]
    terms: tuple[str, ...]


def read_question(text: str) -> Question:
    """Read a question in any case, with or without a question mark; English first."""
    line = " ".join(text.split())
    folded = unicodedata.normalize("NFKC", line).replace("’", "'").casefold()
    sides = _sides(folded)
    return Question(
        text=line,
        kind=_kind(folded),
        wants=frozenset(want for want, pattern in WANTS if re.search(pattern, folded)),
        sides=sides,
        terms=content_terms(line),
    )


def gist(text: str) -> str:
    """Return what a question asks: without what nobody sees, orders to the bot, and asides on what is not meant.

    Marks piled on letters go too, so that what is left can be compared with papers. A question that is nothing else
    keeps its orders.
    """
    seen = "".join(
        each
        for each in unicodedata.normalize("NFKD", text)
        if each.isspace() or unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Mn", "Me"}
    )
    parts = [line[start:end] for line in NOT_MEANT.sub(" ", seen).splitlines() for start, end in sentences(line)]
    asking = [part for part in parts if not ORDER.search(part.casefold())]
    return " ".join(asking if any(content_terms(part) for part in asking) else parts)


def content_terms(text: str) -> tuple[str, ...]:
    """Return the stemmed words of a text that say what it is about, each once, in order."""
    analyzer, ignored = _analyzer()
    return tuple(dict.fromkeys(term for term in analyzer.analyze(text) if term not in ignored))


@cache
def _analyzer() -> tuple[tantivy.TextAnalyzer, frozenset[str]]:
    analyzer = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
    return analyzer, frozenset(analyzer.analyze(" ".join(sorted(QUESTION_WORDS))))


def _kind(folded: str) -> Kind:
    spoken = re.sub(r"<a?:\w+:\d+>|<[@#][!&]?\d+>", " ", folded)  # Discord's emoji and mentions
    words = re.findall(r"[^\W_]+", spoken)
    if not words or _is_small_talk(spoken, words):
        return Kind.SMALL_TALK
    if COMPARE.search(folded):
        return Kind.COMPARE
    if any(pattern.search(folded) for pattern in LIST):
        return Kind.LIST
    return Kind.SINGLE


def _is_small_talk(spoken: str, words: list[str]) -> bool:
    greetings = frozenset(GREETINGS.split())
    chatter = greetings.union(FILLERS.split())
    # "hiii" and "thankssss" are "hi" and "thanks"; "cool" keeps its two letters.
    plain = [word if word in chatter else re.sub(r"(.)\1+", r"\1", word) for word in words]
    if chatter.issuperset(plain) and not greetings.isdisjoint(plain):
        return True
    rest = spoken.strip(" .,!?:;()")
    while match := re.match(r"\w+\b[\s,.!]*", rest):
        if match[0].strip(" ,.!") not in greetings | {"bot", "footnote"}:
            break
        rest = rest[match.end() :]
    return CHATTER.fullmatch(rest) is not None


def _sides(folded: str) -> tuple[str, ...]:
    for pattern in SIDES:
        if match := pattern.search(folded):
            first = re.split(r"[?!;:]|[,.] ", match["a"])[-1].strip()
            second = SIDE_END.split(match["b"])[0].strip()
            if content_terms(first) and content_terms(second):
                return first, second
    return ()
