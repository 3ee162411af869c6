"""Every setting, defined once: read from FOOTNOTE_* variables and .env; unknown names are refused."""

from __future__ import annotations

import difflib
import errno
import os
import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from retrieval.index.chroma_server import ChromaServer

PREFIX = "FOOTNOTE_"
ENV_FILE = ".env"
DEFAULT_MODEL = "gpt-5.4-mini"
_PROVIDERS = ("local", "openai")  # built in


def _or_variable(name: str) -> BeforeValidator:
    """Fall back to a variable that every OpenAI client knows, from the environment or .env."""
    return BeforeValidator(lambda value: value or os.environ.get(name) or _env_file().get(name) or None)


def _or_nothing(name: str) -> BeforeValidator:
    """Let an empty variable mean empty, instead of the default as for all other settings."""
    return BeforeValidator(lambda value: "" if os.environ.get(name, _env_file().get(name)) == "" else value)


def _env_file() -> dict[str, str | None]:
    """Parse .env; raises SettingsError if it cannot be read."""
    try:
        text = Path(ENV_FILE).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE} is not UTF-8 text; save it as that.") from None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be read ({error.strerror}); change its permissions.") from None
    for line in parse_stream(StringIO(text)):
        if line.error:  # dotenv would silently skip it, and the setting with it
            raise SettingsError(f"Line {line.original.line} of {ENV_FILE} cannot be read; write it as NAME=value.")
    return dotenv_values(stream=StringIO(text))


def _shards(written: str | None) -> str | None:
    """Refuse a value that is not a range of shards."""
    if written is None or written == "auto":
        return written
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?/(\d{1,5})", written)
    if found is None or not int(found[1]) <= int(found[2] or found[1]) < int(found[3]):
        raise ValueError("write auto, or the first and the last shard and how many there are, as in 0-3/16")
    return written


def _key(secret: SecretStr | None) -> SecretStr | None:
    """Refuse characters that no header may carry, such as quotation marks or line ends copied with the key."""
    if secret is not None and not re.fullmatch(r"[!#-&(-~]+", secret.get_secret_value()):
        raise ValueError("it contains a space, a quotation mark or another character that no key has; copy it again")
    return secret


def _address(written: str | None) -> str | None:
    """Refuse anything but a web address, without showing the value: it may contain a password."""
    try:
        parts = urlsplit(written or "http://localhost")
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # invalid port
        good = False
    good = good and not re.search(r"\s", written or "")
    if not good:
        raise ValueError("write an address that begins with http:// or https://")
    return written


def _provider(name: str) -> str:
    """Refuse a name that is neither built in nor an installed plugin."""
    if name not in _PROVIDERS:
        from retrieval.plugin_loader import EMBEDDERS, plugin_names

        if name not in plugin_names(EMBEDDERS):
            raise ValueError("Input should be 'local' or 'openai', or the name of a plugin that is installed")
    return name


def _writer(name: str | None) -> str | None:
    """Refuse a name that is not an installed plugin."""
    if name is not None:
        from retrieval.plugin_loader import WRITERS, plugin_names

        if name not in plugin_names(WRITERS):
            raise ValueError("Input should be the name of a plugin that is installed; empty for none")
    return name


Key = Annotated[SecretStr | None, AfterValidator(_key)]
Address = Annotated[str | None, AfterValidator(_address)]
Endpoint = Annotated[str, AfterValidator(_address)]


class Section(BaseModel):
    """Refuse unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DiscordSettings(Section):
    """How the bot reaches Discord."""

    token: SecretStr | None = Field(default=None, description="Bot token from the Discord developer portal.")
    proxy: Address = Field(default=None, description="HTTP proxy for Discord, such as http://proxy:3128.")
    message_content: bool = Field(
        default=False, description="Hear prefix commands and threads; needs the Message Content intent in the portal."
    )
    shards: Annotated[str | None, AfterValidator(_shards)] = Field(
        default=None, description="Shards that this process serves: auto, or 0-3/16; empty for one process in all."
    )


class LLMSettings(Section):
    """The language model that writes answers; without a key or a URL, answers are the papers' own sentences."""

    api_key: Annotated[Key, _or_variable("OPENAI_API_KEY")] = Field(
        default=None, description="API key (or OPENAI_API_KEY)."
    )
    base_url: Annotated[str | None, _or_variable("OPENAI_BASE_URL")] = Field(
        default=None, description="Any OpenAI-compatible server (or OPENAI_BASE_URL)."
    )
    model: str | None = Field(
        default=None,
        description=f"Model name as the server knows it (default: {DEFAULT_MODEL}, or the one model that it has).",
    )
    timeout: float = Field(
        default=30.0, gt=0, description="Seconds for the model to write; after 3/10 of it in silence it is given up."
    )
    prompt_tokens: int = Field(default=5000, ge=1000, description="The most prompt tokens spent on one question.")
    judge: bool = Field(
        default=False, description="Have the model judge, in one call more, whether each quote bears its statement out."
    )
    tokens_per_day: int = Field(default=0, ge=0, description="The most tokens taken on a day (UTC); 0 for no limit.")
    tokens_per_server: int = Field(default=0, ge=0, description="The most tokens that one server takes on a day.")
    tokens_per_person: int = Field(default=0, ge=0, description="The most tokens that one person takes on a day.")

    @property
    def enabled(self) -> bool:
        """Whether there is a model to ask: a key, or a server of your own, which may need none."""
        return self.api_key is not None or self.base_url is not None

    @property
    def key(self) -> str | None:
        """The key in clear text; None for a server that needs none."""
        return self.api_key.get_secret_value() if self.api_key else None


class EmbeddingSettings(Section):
    """The model that turns texts into vectors; when it changes, every paper is embedded anew."""

    provider: Annotated[str, AfterValidator(_provider)] = Field(
        default="local", description="local (all-MiniLM-L6-v2), openai, or a plugin's name."
    )
    model: str = Field(default="text-embedding-3-small", description="Model name for provider openai.")
    dimensions: int | None = Field(default=None, ge=1, description="Shortened vectors, for provider openai.")
    api_key: Key = Field(default=None, description="API key for embeddings (default: the LLM's).")
    base_url: Address = Field(default=None, description="Server for embeddings (default: the LLM's).")
    model_dir: Path | None = Field(default=None, description="Folder with model.safetensors and tokenizer.json.")


class ChromaSettings(Section):
    """Where the vectors live."""

    url: str | None = Field(default=None, description="Chroma server; empty for the embedded one in the data dir.")
    token: Key = Field(default=None, description="Token of the server, or of Chroma Cloud.")
    tenant: str | None = Field(default=None, description="Tenant; empty for the default one, or the token's.")
    database: str | None = Field(
        default=None, description="Database of the tenant; empty for the default one, or the token's."
    )

    @property
    def server(self) -> ChromaServer | None:
        """The configured server, None for the embedded one; raises SettingsError if only credentials are set."""
        if self.url is None:
            if self.token or self.tenant or self.database:
                raise SettingsError(
                    "FOOTNOTE_CHROMA__TOKEN, _TENANT and _DATABASE belong to a server, and FOOTNOTE_CHROMA__URL names "
                    "none; set it (https://api.trychroma.com for Chroma Cloud), or leave them out."
                )
            return None
        from retrieval.index.chroma_server import ChromaServer

        token = self.token.get_secret_value() if self.token else None
        return ChromaServer(self.url, token, self.tenant, self.database)


class HuggingFaceSettings(Section):
    """Where Hugging Face Daily Papers are read."""

    base_url: Endpoint = Field(default="https://huggingface.co", description="Hugging Face endpoint.")


class ArxivSettings(Section):
    """Where arXiv is read."""

    base_url: Endpoint = Field(default="https://export.arxiv.org", description="arXiv API endpoint.")


class DoiSettings(Section):
    """Where DOIs are asked for."""

    base_url: Endpoint = Field(default="https://doi.org", description="What resolves DOIs, and tells CSL-JSON of them.")


class OpenReviewSettings(Section):
    """Where OpenReview is read."""

    base_url: Endpoint = Field(
        default="https://api2.openreview.net", description="OpenReview API (version 2) endpoint."
    )


class AclSettings(Section):
    """Where the ACL Anthology is read."""

    base_url: Endpoint = Field(default="https://aclanthology.org", description="The ACL Anthology.")


class FetchSettings(Section):
    """What the bot reads by itself."""

    sources: Annotated[str, _or_nothing("FOOTNOTE_FETCH__SOURCES")] = Field(
        default="huggingface", description="Sources as for `footnote ingest`, comma separated; empty for none."
    )
    every: int = Field(default=60, ge=1, description="Minutes between two readings of a source.")
    full_texts: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="The most full texts of arXiv fetched on a day, of papers cited in servers; 0 for none.",
    )


class HealthSettings(Section):
    """Where the bot tells how it is."""

    port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of /healthz and /metrics while the bot runs; empty for none."
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address that they listen at; 0.0.0.0 for all.")

    def refusal(self, error: OSError) -> str:
        """Explain why the port cannot be used."""
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror or error})"
        return f"FOOTNOTE_HEALTH__PORT {self.port} at {self.host} {why}; choose another, or free it."


class Settings(BaseSettings):
    """All settings; `Settings.load()` reads them and turns mistakes into sentences."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",  # Windows adds a byte order mark
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    data_dir: Path = Field(default=Path(".footnote"), description="Folder that holds all state.")
    database_url: str | None = Field(
        default=None,
        description="Database, such as postgresql://user:password@host/footnote; empty for SQLite in the data dir.",
    )
    retention: int = Field(
        default=90, ge=30, le=3650, description="Days that conversations, searches and what digests showed are kept."
    )
    log: Literal["pretty", "json"] = Field(
        default="pretty", description="How the log is written: pretty for people, json for machines."
    )
    writer: Annotated[str | None, AfterValidator(_writer)] = Field(
        default=None, description="Plugin that writes answers, in place of a language model; empty for none."
    )
    discord: DiscordSettings = Field(default_factory=DiscordSettings)
    llm: LLMSettings = Field(default_factory=LLMSettings)
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings)
    chroma: ChromaSettings = Field(default_factory=ChromaSettings)
    huggingface: HuggingFaceSettings = Field(default_factory=HuggingFaceSettings)
    arxiv: ArxivSettings = Field(default_factory=ArxivSettings)
    doi: DoiSettings = Field(default_factory=DoiSettings)
    openreview: OpenReviewSettings = Field(default_factory=OpenReviewSettings)
    acl: AclSettings = Field(default_factory=AclSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)

    @classmethod
    def load(cls, **overrides: object) -> Settings:
        """Read the environment and .env; `overrides` take precedence over both.

        Raises SettingsError that names the unknown or wrong setting, but not its value.
        """
        _refuse_unknown()
        try:
            return cls(**overrides)  # type: ignore[arg-type]  # pydantic checks them
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = PREFIX + "__".join(str(part) for part in first["loc"]).upper()
            raise SettingsError(f"{name} is wrong: {first['msg'].removeprefix('Value error, ')}.") from None


def refuse_overridden(values: Mapping[str, str | None]) -> None:
    """Raise SettingsError if the environment overrides a value that is about to be written to .env."""
    for name, value in values.items():
        if os.environ.get(name, value or "") not in {"", value}:
            raise SettingsError(f"{name} is set in the environment, which overrides {ENV_FILE}; unset it there.")


def mend_connection(proxy: str | None) -> str:
    """Advise what to do if Discord cannot be reached, with or without a proxy."""
    if proxy:
        return "check the network and FOOTNOTE_DISCORD__PROXY, which is set"
    return "check the network, or set FOOTNOTE_DISCORD__PROXY if you need a proxy to reach it"


def known_names() -> Iterator[tuple[str, FieldInfo]]:
    """Yield each setting's variable name and field, in the order of the class."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for key, nested in section.model_fields.items():
                yield f"{PREFIX}{name}__{key}".upper(), nested
        else:
            yield f"{PREFIX}{name}".upper(), field


def _refuse_unknown() -> None:
    known = [name for name, _ in known_names()]
    given = [*os.environ, *_env_file()]
    for name in given:
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in known:
            nearest = difflib.get_close_matches(upper, known, n=1, cutoff=0.0)[0]
            raise SettingsError(f"{name} is not a setting; did you mean {nearest}?")
