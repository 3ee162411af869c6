"""Parse the configured base URL of the language model, and suggest the right one if it is not an API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp

from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "FOOTNOTE_LLM__BASE_URL"
# Paths that people copy along with a base URL; the client appends the first of them itself.
_APPENDED: Final = ("/chat/completions", "/completions", "/responses", "/models", "/embeddings")
# Where servers have their API, for addresses copied without it: most servers, then OpenRouter or Open WebUI.
_ELSEWHERE: Final = ("/v1", "/api/v1", "/api")
_PATIENCE: Final = timedelta(seconds=3)
_OK: Final = 200
# Statuses of an address without an API: a page, or nothing.
_ELSEWHERE_AT: Final = frozenset({200, 404, 405})
_REFUSED: Final = frozenset({401, 403})
_MEND: Final = "check FOOTNOTE_LLM__API_KEY and FOOTNOTE_LLM__BASE_URL"
_OBJECTS: Final = frozenset({400, 401, 402, 403, 415, 422, 429})


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL, and the query parameters of every request to it, such as Azure's api-version."""

    base_url: str
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, written: str) -> Address:
        """Parse the configured address; raises SettingsError that says what to write instead."""
        text = written.strip()
        if "://" not in text:
            raise SettingsError(f"{NAME} lacks http:// or https://; write {_guess(text)}.")
        no_address = SettingsError(f"{NAME} is not an address; write one such as http://localhost:11434/v1.")
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise no_address from None
        if parts.scheme not in {"http", "https"} or not host or port == 0 or len(text.split()) > 1:
            raise no_address
        path = parts.path.rstrip("/")
        for appended in _APPENDED:
            if path.endswith(appended):
                right = urlunsplit(parts._replace(path=path.removesuffix(appended)))
                raise SettingsError(f"{NAME} must end before {appended}; write {_shown(right)}.")
        return cls(urlunsplit(parts._replace(path=path, query="", fragment="")), dict(parse_qsl(parts.query)))


@dataclass(frozen=True, slots=True)
class Offer:
    """The models that a server lists (None if it has no list), and the status of its reply; 0 for no reply."""

    models: tuple[str, ...] | None = None
    status: int = _OK

    @property
    def answered(self) -> bool:
        """Whether there was any reply."""
        return self.status != 0

    def has(self, name: str) -> bool:
        """Check whether a model is available; Ollama's `x` is its `x:latest`."""
        return self.models is None or not {name, f"{name}:latest", name.removesuffix(":latest")}.isdisjoint(self.models)

    def objection(self, name: str) -> str | None:
        """Explain why a model cannot be used, None if nothing speaks against it."""
        if not self.answered:
            return f"cannot be reached; {_MEND}"
        if self.status in _REFUSED:
            return f"refused the key ({self.status}); {_MEND}"
        if not self.has(name):
            some = ", ".join((self.models or ())[:5]) or "none at all"
            return f"the server does not offer {name} (but {some}); set FOOTNOTE_LLM__MODEL"
        return None

    def instead_of(self, default: str) -> str:
        """Choose the model if none is configured; raises SettingsError if the choice is not clear."""
        if not self.models or self.has(default):
            return default
        if len(self.models) == 1:
            return self.models[0]
        some = ", ".join(self.models[:5])
        raise SettingsError(f"The language model's server has several models; set FOOTNOTE_LLM__MODEL to one: {some}.")


async def visit(address: Address, api_key: str | None, patience: timedelta = _PATIENCE) -> Offer:
    """Ask a server which models it has.

    Raises SettingsError if it shows that the API is elsewhere; a server that is down or does not list its models may
    still answer questions.
    """
    if address.query:  # Azure's deployments cannot be listed
        return Offer()
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    timeout = aiohttp.ClientTimeout(total=patience.total_seconds())
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, trust_env=True) as session:
        offer, page = await _look(session, address.base_url)
        if offer.models is not None or offer.status not in _ELSEWHERE_AT or await _takes_chats(session, address):
            return offer
        for path in _ELSEWHERE:
            right = address.base_url.removesuffix("/v1") + path
            if right != address.base_url and (await _look(session, right))[0].models is not None:
                raise SettingsError(f"{NAME} is not where the API is; write {_shown(right)}.")
    if page:
        raise SettingsError(f"{NAME} is the address of a web page; write that of the API, which mostly ends in /v1.")
    return offer


async def _look(session: aiohttp.ClientSession, base_url: str) -> tuple[Offer, bool]:
    """Fetch the models offered at an address, and whether there is a web page instead."""
    try:
        async with session.get(f"{base_url}/models") as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return Offer(status=0), False
    return Offer(_names(body) if response.status == _OK else None, response.status), body.lstrip()[:1] == b"<"


async def _takes_chats(session: aiohttp.ClientSession, address: Address) -> bool:
    """Check for an API at an address without a list of models, by its error to an empty request."""
    try:
        async with session.post(f"{address.base_url}/chat/completions", json={}) as response:
            return response.status in _OBJECTS
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def _names(body: bytes) -> tuple[str, ...] | None:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(data, list):
        return None
    ids = (entry.get("id") for entry in data if isinstance(entry, dict))
    return tuple(id_ for id_ in ids if isinstance(id_, str))


def _guess(text: str) -> str:
    host = text.partition("/")[0].partition(":")[0]
    local = host == "localhost" or "." not in host or host.replace(".", "").isdecimal()
    return _shown(f"{'http' if local else 'https'}://{text.removeprefix('//')}")


def _shown(url: str) -> str:
    """Remove any password from an address."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
