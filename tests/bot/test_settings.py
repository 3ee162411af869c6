from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.errors import SettingsError
from bot.settings import Settings, known_names

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FOOTNOTE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_the_example_names_every_setting_with_its_default() -> None:
    example = dotenv_values(EXAMPLE)
    assert set(example) == {name for name, _ in known_names()}
    for name, field in known_names():
        default = field.get_default(call_default_factory=True)
        shown = "" if default is None else str(default)
        assert example[name] == (shown.lower() if isinstance(default, bool) else shown), name


def test_every_setting_in_the_example_has_a_comment_above_its_group() -> None:
    groups = EXAMPLE.read_text().split("\n\n")
    assert all(group.startswith("#") for group in groups)


def test_the_example_copied_to_env_is_the_default(tmp_path: Path) -> None:
    default = Settings.load()
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    assert Settings.load() == default


def test_an_unknown_name_is_refused_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_DISCORD__TOKN", "secret-value")
    with pytest.raises(SettingsError, match="did you mean FOOTNOTE_DISCORD__TOKEN") as caught:
        Settings.load()
    assert "secret-value" not in str(caught.value)


def test_an_unknown_name_in_the_env_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FOOTNOTE_LLM_MODEL=x\n")
    with pytest.raises(SettingsError, match="did you mean FOOTNOTE_LLM__MODEL"):
        Settings.load()


def test_an_env_file_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"FOOTNOTE_LLM__MODEL=\xff\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        Settings.load()


@pytest.mark.parametrize(
    ("text", "line"), [("FOOTNOTE_LLM__MODEL=x\nFOOTNOTE_LLM__TIMEOUT 5\n", 2), ('OTHER="never closed\n', 1)]
)
def test_a_line_of_the_env_file_that_says_nothing_is_named_without_being_shown(
    tmp_path: Path, text: str, line: int
) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(SettingsError, match=f"^Line {line} of .env cannot be read; write it as NAME=value.$"):
        Settings.load()


def test_an_env_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FOOTNOTE_LLM__MODEL=mine\n", encoding="utf-8-sig")
    assert Settings.load().llm.model == "mine"


def test_a_wrong_value_is_named_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM__TIMEOUT", "sk-oops-a-key")
    with pytest.raises(SettingsError, match="FOOTNOTE_LLM__TIMEOUT is wrong") as caught:
        Settings.load()
    assert "sk-oops" not in str(caught.value)


def test_secrets_do_not_show_in_a_printed_settings_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_DISCORD__TOKEN", "token-of-the-bot")
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-model")
    shown = repr(Settings.load()) + str(Settings.load())
    assert "token-of-the-bot" not in shown
    assert "key-of-the-model" not in shown


def test_the_openai_names_serve_where_footnotes_own_are_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-env-file\nFOOTNOTE_LLM__API_KEY=\n")
    settings = Settings.load()
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "from-env-file"
    monkeypatch.setenv("FOOTNOTE_LLM__API_KEY", "own")
    settings = Settings.load()
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "own"


def test_a_model_is_asked_only_where_a_key_or_a_server_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Settings.load().llm.enabled
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1")
    assert Settings.load().llm.enabled


def test_what_the_command_line_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", "from-environment")
    assert Settings.load(data_dir=Path("from-option")).data_dir == Path("from-option")
