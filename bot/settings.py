"""Every setting, once: read from FOOTNOTE_* variables and .env, with unknown names refused."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from dotenv import dotenv_values
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "FOOTNOTE_"
ENV_FILE = ".env"

# "FOOTNOTE_DISCORD__TOKEN=" in .env means that there is none, as in .env.example.
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: value or None)]
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]


class Section(BaseModel):
    """Refuse names that the section does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DiscordSettings(Section):
    """How the bot reaches Discord."""

    token: OptionalSecret = Field(None, description="Bot token from the Discord developer portal.")
    proxy: OptionalText = Field(None, description="HTTP proxy for Discord, such as http://proxy:3128.")


class LLMSettings(Section):
    """The language model that writes answers; without a key or a base URL the extractive writer does."""

    api_key: OptionalSecret = Field(None, description="API key (or OPENAI_API_KEY).")
    base_url: OptionalText = Field(None, description="Any OpenAI-compatible server (or OPENAI_BASE_URL).")
    model: str = Field("gpt-5.4-mini", description="Model name as the server knows it.")
    timeout: float = Field(30.0, gt=0, description="Seconds to wait for the model before answering without it.")
    prompt_tokens: int = Field(5000, ge=500, description="The most prompt tokens spent on one question.")


class EmbeddingSettings(Section):
    """The model behind dense search; another model means that the indexes are rebuilt."""

    provider: Literal["local", "openai"] = Field("local", description="local (all-MiniLM-L6-v2) or openai.")
    model: str = Field("text-embedding-3-small", description="Model name for provider openai.")
    dimensions: int | None = Field(None, ge=1, description="Shortened vectors, for provider openai.")
    api_key: OptionalSecret = Field(None, description="API key for embeddings (default: the LLM's).")
    base_url: OptionalText = Field(None, description="Server for embeddings (default: the LLM's).")
    model_dir: OptionalPath = Field(None, description="Folder with model.safetensors and tokenizer.json.")


class ChromaSettings(Section):
    """Where the vectors live."""

    url: OptionalText = Field(None, description="Chroma server; empty for the embedded one in the data dir.")


class HuggingFaceSettings(Section):
    """Where Hugging Face Daily Papers are read."""

    base_url: str = Field("https://huggingface.co", description="Hugging Face endpoint.")


class ArxivSettings(Section):
    """Where arXiv is read."""

    base_url: str = Field("https://export.arxiv.org", description="arXiv API endpoint.")


class Settings(BaseSettings):
    """All that can be set; `Settings.load()` reads it and turns mistakes into sentences."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=ENV_FILE, extra="ignore", frozen=True
    )

    data_dir: Path = Field(Path(".footnote"), description="Folder that holds all state.")
    database_url: OptionalText = Field(
        None, description="SQLAlchemy URL of the catalogue; empty for SQLite in the data dir."
    )
    discord: DiscordSettings = DiscordSettings()
    llm: LLMSettings = LLMSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    chroma: ChromaSettings = ChromaSettings()
    huggingface: HuggingFaceSettings = HuggingFaceSettings()
    arxiv: ArxivSettings = ArxivSettings()
