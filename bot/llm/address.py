"""Where the language model is: read what was set, and say what to write instead where that is no API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp

from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "FOOTNOTE_LLM__BASE_URL"
# What a base URL is copied with; the client appends the first of them itself.
_APPENDED: Final = ("/chat/completions", "/completions", "/responses", "/models", "/embeddings")
# Where servers have their API, from where their address was copied without it: most, and OpenRouter or Open WebUI.
_ELSEWHERE: Final = ("/v1", "/api/v1", "/api")
_PATIENCE: Final = 3.0  # seconds
_OK: Final = 200
# How a place says that the API is not there: a page, or nothing.
_ELSEWHERE_AT: Final = frozenset({200, 404, 405})
_REFUSED: Final = frozenset({401, 403})
_MEND: Final = "check FOOTNOTE_LLM__API_KEY and FOOTNOTE_LLM__BASE_URL"
_OBJECTS: Final = frozenset({400, 401, 402, 403, 415, 422, 429})


@dataclass(frozen=True, slots=True)
class Address:
    """Hold a base URL, and what every request to it carries behind its path, such as Azure's api-version."""

    base_url: str
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, written: str) -> Address:
        """Return the address that was set; raises SettingsError with what to write instead where it is none."""
        text = written.strip()
        if "://" not in text:
            raise SettingsError(f"{NAME} lacks http:// or https://; write {_guess(text)}.")
        no_address = SettingsError(f"{NAME} is no address; write one such as http://localhost:11434/v1.")
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
    """Hold which models a server names, None where it does not say, and how it replied; status 0: not at all."""

    models: tuple[str, ...] | None = None
    status: int = _OK

    @property
    def answered(self) -> bool:
        """Say whether there was any reply."""
        return self.status != 0

    def has(self, name: str) -> bool:
        """Say whether a model is there; Ollama's `x` is its `x:latest`."""
        return self.models is None or not {name, f"{name}:latest", name.removesuffix(":latest")}.isdisjoint(self.models)

    def objection(self, name: str) -> str | None:
        """Say why a model cannot be asked, None where nothing speaks against it."""
        if not self.answered:
            return f"cannot be reached; {_MEND}"
        if self.status in _REFUSED:
            return f"refused the key ({self.status}); {_MEND}"
        if not self.has(name):
            some = ", ".join((self.models or ())[:5]) or "none at all"
            return f"the server does not offer {name} (but {some}); set FOOTNOTE_LLM__MODEL"
        return None

    def instead_of(self, default: str) -> str:
        """Return the model to ask where none was named; raises SettingsError where that is not clear."""
        if not self.models or self.has(default):
            return default
        if len(self.models) == 1:
            return self.models[0]
        some = ", ".join(self.models[:5])
        raise SettingsError(f"The language model's server has several models; set FOOTNOTE_LLM__MODEL to one: {some}.")


async def visit(address: Address, api_key: str | None, patience: float = _PATIENCE) -> Offer:
    """Ask a server which models it has.

    Raises SettingsError where it shows that the API is elsewhere; a server that is away or keeps its list to itself
    may still answer questions.
    """
    if address.query:  # Azure's deployments have no list
        return Offer()
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    timeout = aiohttp.ClientTimeout(total=patience)
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
    """Return what is offered at an address, and whether a web page is there."""
    try:
        async with session.get(f"{base_url}/models") as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return Offer(status=0), False
    return Offer(_names(body) if response.status == _OK else None, response.status), body.lstrip()[:1] == b"<"


async def _takes_chats(session: aiohttp.ClientSession, address: Address) -> bool:
    """Say whether an address without a list of models has an API all the same, which objects to an empty request."""
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
    """Return an address without a password that somebody put into it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
