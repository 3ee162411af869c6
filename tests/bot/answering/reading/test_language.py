from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.answering.reading.language_detection import detect, hint, sentence_languages

EVAL = Path(__file__).parents[3] / "eval"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Welche Arbeiten befassen sich mit Robotern?", "de"),
        ("quels papiers parlent de robots ?", "fr"),
        ("¿Qué es el olvido catastrófico?", "es"),
        ("o que é aprendizado por reforço?", "pt"),
        ("che cos'è il dimenticare catastrofico?", "it"),
        ("какие статьи посвящены роботам?", "ru"),
        ("робототехніка та навчання з підкріпленням?", "uk"),
        ("什么是灾难性遗忘", "zh"),
        ("強化学習とは何ですか", "ja"),
        ("강화 학습에 관한 논문이 있나요?", "ko"),
        ("ما هو التعلم المعزز؟", "ar"),
        ("रोबोट पर कौन से पेपर हैं?", "hi"),
        ("robotlarla ilgili hangi makaleler var?", "tr"),
        ("które artykuły dotyczą robotów?", "pl"),
        ("welke artikelen gaan over robots?", "nl"),
        ("vilka artiklar handlar om robotar?", "sv"),
        ("có bài báo nào về robot không?", "vi"),
    ],
)
def test_a_question_in_another_language_is_told_and_answered_with_a_hint_in_it(text: str, language: str) -> None:
    assert detect(text) == language
    assert hint(language)


@pytest.mark.parametrize("text", ["LoRA?", "PASTA", "kv cache int4", "mech interp on gpt-2?", "asdfghjkl", "", "🙂"])
def test_jargon_and_nonsense_are_no_other_language(text: str) -> None:
    assert detect(text) == "en"
    assert hint("en") is None


def test_no_english_question_is_taken_for_another_language() -> None:
    lines = [
        json.loads(line)["text"]
        for folder in ("seeds-answerable", "seeds-unanswerable")
        for line in (EVAL / folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [line for line in lines if detect(line) != "en"] == []


def test_the_languages_of_a_papers_sentences_are_told_apart() -> None:
    both = ["We study role play of language models.", "Nous étudions le jeu de rôle des modèles de langue."]
    assert sentence_languages(both) == ["en", "fr"]
