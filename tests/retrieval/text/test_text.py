from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sources import open_source
from retrieval.text.text import Folded, clean, fold, sentences
from tests.papers import plain

# Everything in a text that the rules look at; the strategy adds arbitrary characters.
TEX = [
    r"\"U", r"{\"o}", r"\'e", r"\'{\i}", r"\`a", r"\^e", r"\c{c}", r"\alpha", r"\times", r"\sim ", r"\%", r"\_", r"\&",
    r"\$", "$", "$k$", r"\textbf{", r"\emph{x}", r"\cite{a}", r"\href{https://a.b}{c}", r"\footnote{n}",
    r"\frac{1}{2}", "{", "}", "{time}", "\\", "``",
    "''", "`", "'", "’", "“", '"', "~", "--", "---", "----", "–", "https://a.b/c~d_e.", " ", "\n", "\r\n", "\u200b",
    "\x00", "e\u0301", "é", "ß", "ﬁ", "İ", "…", "½", "w.r.t.~the", "word", "3.2", ".", "(", ")", "¨", "ſ", "\u0345",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(TEX) | st.text(max_size=5), max_size=25).map("".join)


@pytest.mark.parametrize(
    ("verbatim", "expected"),
    [
        (r"T\"ULU 3", "TÜLU 3"),
        (r"d\'ecrit le r\^ole, \`a l'indexation, encha\^inement", "décrit le rôle, à l'indexation, enchaînement"),
        (r"{\"o} \"{o} \'{\i} \c{c}a Erd\H{o}s \o \ss \L{}ukasz", "ö ö í ça Erdős ø ß Łukasz"),
        (r"Nguy{\~{\^e}}n, {\'{\^e}}, \'{\"{u}}, \~{\^{o}}", "Nguyễn, ế, ǘ, ỗ"),
        (r"\"quoted\"", '"quoted"'),
        (r"88\% of R\&D in dm\_control for \$5", "88% of R&D in dm_control for $5"),
        ("``activation,'' which", "“activation,” which"),
        ("w.r.t.~the loss in Fig.~3", "w.r.t. the loss in Fig. 3"),
        ("a consistent ~4% increase (~10), 10~20", "a consistent ~4% increase (~10), 10~20"),
        ("framework -- so---called", "framework – so—called"),
        ("system. ---- Cet article", "system. ---- Cet article"),
        (r"$O(n \log n)$ for \alpha \leq $\beta$", "O(n log n) for α ≤ β"),
        (r"a 1.6$\times$ speed-up at $\sim$4\,ms and $25^\circ$", "a 1.6× speed-up at ~4 ms and 25°"),
        ("costs $5 and $10, not $250", "costs $5 and $10, not $250"),
        (r"\textbf{A \emph{nested} one} and \method{} and {\em ours}", "A nested one and method and ours"),
        (r"\frac{1}{2} of top-$k$~\cite{shazeer2017}, x^{2}", "1/2 of top-k, x^2"),
        (r"see \href{https://a.b/c}{our page}\footnote{a note}", "see https://a.b/c (our page) (a note)"),
        ("What happened {time}{place}? RLHF > SFT", "What happened {time}{place}? RLHF > SFT"),
        ("R_y(mathbf x_0)", "R_y(mathbf x_0)"),
        ("hard\r\n  wrapped\nlines\t ", "hard wrapped lines"),
        ("z\u200bero\u00ad w\x00idth \ufeffe\u0301", "zero width é"),
        ("see https://a.b/c.", "see https://a.b/c"),
        ("at https://a.b/f_x--y?p=%2F~%2F. Next", "at https://a.b/f_x--y?p=%2F~%2F Next"),
        ("(at https://a.b/c.)", "(at https://a.b/c)"),
    ],
)
def test_clean_reads_what_abstracts_contain(verbatim: str, expected: str) -> None:
    assert clean(verbatim) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tulu", r"T\"ULU"),
        ("Tülu", r"T\"ULU"),
        ("the “capital” — of", "the ``Capital'' -- of"),
        ("model's", "model’s"),
        ("one-step", "one‑step"),
        ("fine STRASSE", "ﬁne  Straße"),
        ("Lukasz", "Łukasz"),
        ("88%", r"88\%"),
        ("w.r.t. the", "w.r.t.~the"),
        ("costs 5", "costs $5"),
        ("xTM", "x™"),
    ],
)
def test_what_people_type_folds_to_what_papers_contain(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_folding_keeps_different_words_apart() -> None:
    assert len({fold(text) for text in ("control", "controls", "con trol", "con-trol", "contr0l")}) == 5


@given(TEXTS)
def test_a_text_and_its_clean_copy_fold_alike(text: str) -> None:
    assert fold(clean(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_plain_texts_are_read_as_others_are(text: str) -> None:
    assert fold(text) == Folded.of(text).text
    assert clean(text) == clean(f"{text}\u200b")  # this character forces the slow path


@given(TEXTS)
def test_clean_text_is_one_normalised_line(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == " ".join(cleaned.split()) == unicodedata.normalize("NFC", cleaned)
    assert "\\" not in cleaned
    assert cleaned.isprintable() or any(unicodedata.category(character) in {"Cn", "Co", "Cf"} for character in cleaned)


@given(TEXTS)
def test_every_folded_character_comes_from_a_place_in_the_text(text: str) -> None:
    folded = Folded.of(text)
    assert folded.text == fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert folded.starts == sorted(folded.starts)
    assert all(0 <= start < end <= len(text) for start, end in zip(folded.starts, folded.ends, strict=True))


@given(st.data())
def test_words_found_in_the_folded_text_stand_in_the_verbatim_span(data: st.DataObject) -> None:
    paper = data.draw(st.sampled_from(plain(open_source("seeds").papers)))
    folded = Folded.of(paper.abstract)
    words = folded.text.split(" ")
    first = data.draw(st.integers(0, len(words) - 1))
    quote = " ".join(words[first : first + data.draw(st.integers(1, 30))])
    span = folded.locate(quote)
    assert span is not None
    assert quote in fold(paper.abstract[slice(*span)])


def test_a_quote_is_found_whatever_its_dashes_quotes_and_accents() -> None:
    abstract = r"We introduce T\"ULU 3 -- a ``family'' w.r.t.~post-training at 88\% of $n$ steps."
    span = Folded.of(abstract).locate("TÜLU 3 — a “family” w.r.t. post–training at 88% of n")
    assert span is not None
    assert abstract[slice(*span)] == r"T\"ULU 3 -- a ``family'' w.r.t.~post-training at 88\% of $n"
    assert Folded.of(abstract).locate("a family of") is None
    assert Folded.of(abstract).locate(" ") is None


@pytest.mark.parametrize(
    "text",
    [
        "We measure it w.r.t. initial sequences x_0.|It holds.",
        "Some tasks, e.g. GLUE, i.e. English ones, vs. XNLI.|We win.",
        "The circuit in Wang et al. (2022) is found.|We 1.) show it and 2.) explain it.|Done.",
        "In state-of-the-art U.S. data centers it evaporates.|The U.S. Congress met in the U.S.|The end.",
        "We introduce TaskMatrix.AI as a new system.|TaskMatrix.AI is open.",
        "See Fig. 3 and Sec. 4.2 of J. Smith.|It is 3.5 points (cf. Tab. 1).|Yes!",
        "The set R_y(mathbf x_0) is bounded.|A value of 0.4.|We report 3 of them.",
        "Code is at https://a.b/c.d/e.|Data is at https://a.b.",
        "Background. Large models err.|Methods. We ask them.",
        "We use cars, airplanes, etc.|However, it fails.|Birds, etc. are out.",
        "It is called ``Paris.''|This is new.|“Is it?”|She said so.",
        'It uses stories (e.g., "It is in it. Mary walks."), each new.|We train.',
        "Takeaways: 1. RLHF is online.|2. RLHF > SFT holds.",
        "They are: (1) the first one is low.|(2) we saw it.",
        "The system is done.|----|Cet article d\\'ecrit le projet.|Nous avons fini.",
        "Is it robust?|vLLM is fast.|$k$ is small... but not zero.",
        "It is done.¦We go on.|Really.",
        "First paragraph without a stop\n\n|second one",
        "这是第一句。¦这是第二句。",
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text: str) -> None:
    expected = [part.strip() for part in text.replace("¦", "|").split("|")]
    verbatim = text.replace("¦", "").replace("|", " ")
    assert [verbatim[start:end] for start, end in sentences(verbatim)] == expected


@given(TEXTS)
def test_sentences_hold_every_character_that_is_no_blank(text: str) -> None:
    spans = sentences(text)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_the_abstracts_that_ship_split_into_sentences_of_a_readable_length() -> None:
    for paper in plain(open_source("seeds").papers):
        for start, end in sentences(paper.abstract):
            sentence = paper.abstract[start:end]
            assert not sentence[0].islower(), sentence
            assert 30 < len(sentence) < 700 or sentence == "----"


@pytest.mark.parametrize("unit", ["(", ".", "{", r"\a{", "$a", "-", "https://", '."', "\n", "a. ", "\\'", "~", "(a."])
@pytest.mark.timeout(20)
def test_hostile_repetition_takes_no_quadratic_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    sentences(text)
    fold(text)
