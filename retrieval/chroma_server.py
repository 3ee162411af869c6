"""A Chroma server: where it is, as whom it is asked, and calls to it that end within seconds whatever it does.

Chroma's own client waits for ever for a server that says nothing, and opens a second connection, without the same
options, to look for tenant and database. So its layer of HTTP calls is taken alone, and each call is given a time.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

import httpx
from chromadb.api.fastapi import FastAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, System
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError, QuotaError, RateLimitError
from overrides import override

from retrieval.errors import BadInputError, ServerAwayError, ServerRefusedError
from storage.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chromadb.api.collection_configuration import CreateCollectionConfiguration

CLOUD: Final = re.compile(r"(.*\.)?trychroma\.com")
CLOUD_BY_TLS_ALONE: Final = True
CLOUD_RESULTS: Final = 300  # Chroma Cloud's quotas: results a query, records a write
CLOUD_RECORDS: Final = 300

CONNECTING: Final = 2.0  # seconds
ANSWERING: Final = 3.0
WRITING: Final = 30.0  # nobody waits for it but the indexer
REST: Final = 5.0  # seconds that a server is left alone which failed twice
SLOW_CALLS: Final = ("/add", "/upsert", "/delete", "/get", "/collections")
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY: Final = 429
OUT_OF_ORDER: Final = 500
PORT: Final = 8000


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Hold where a Chroma server is and as whom it is asked.

    Attributes:
        url: `http(s)://[user:password@]host[:port][/path]`.
        token: what a server of Chroma's own, or a proxy before it, asks for.
        tenant: whose databases; None for the default one, or for the one that a token of Chroma Cloud belongs to.
        database: which of them; None likewise.
    """

    url: str = field(repr=False)  # it may hold a password
    token: str | None = field(default=None, repr=False)
    tenant: str | None = None
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Hold the parts of a server's URL; `base` has neither user nor password in it."""

    base: str
    authority: str
    user: str | None
    password: str
    cloud: bool

    @classmethod
    def read(cls, url: str) -> Address:
        """Take a URL apart; raises BadInputError where it is none, or has parts that would have no effect."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:  # of a port that is none
            raise _no_address() from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _no_address()
        if parts.query or parts.fragment:
            raise BadInputError(
                "FOOTNOTE_CHROMA__URL may hold nothing after its path; tenant, database and token have settings "
                "(FOOTNOTE_CHROMA__TENANT, FOOTNOTE_CHROMA__DATABASE, FOOTNOTE_CHROMA__TOKEN)."
            )
        cloud = CLOUD.fullmatch(parts.hostname) is not None
        if cloud and CLOUD_BY_TLS_ALONE and parts.scheme == "http":
            raise BadInputError("Chroma Cloud is reached by https alone; write FOOTNOTE_CHROMA__URL with https://.")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        address = f"{host}:{port or (443 if parts.scheme == 'https' else PORT)}"
        path = parts.path.rstrip("/")
        user = unquote(parts.username) if parts.username is not None else None
        return cls(f"{parts.scheme}://{address}{path}", f"{address}{path}", user, unquote(parts.password or ""), cloud)


def _no_address() -> BadInputError:
    return BadInputError("FOOTNOTE_CHROMA__URL is no address of a Chroma server; write it like http://host:8000.")


class ServerClient:
    """Open collections of one database on a server; after it, each call to them is bounded.

    Attributes:
        most_results: how many results a query may ask for, None where the server sets no limit.
        most_records: how many records a call may name, None likewise.
    """

    def __init__(self, server: ChromaServer) -> None:
        """Read the address; raises BadInputError where it, or what goes with it, cannot be meant."""
        self._address = Address.read(server.url)
        self._tenant, self._database = server.tenant, server.database
        self._found = False
        self.most_results = CLOUD_RESULTS if self._address.cloud else None
        self.most_records = CLOUD_RECORDS if self._address.cloud else None
        settings = ChromaSettings(
            anonymized_telemetry=False,
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=self._address.base,  # with its port and path, which Chroma's own URL then has
            chroma_server_http_port=PORT,
            chroma_server_headers=_headers(self._address, server.token),
        )
        self._system = System(settings)
        self._api = _BoundedAPI(self._system, self._address.authority)

    def find(self) -> None:
        """Make sure once that the server speaks to us and has tenant and database.

        Raises ServerAwayError where it does not answer, ServerRefusedError where it will not have us.
        """
        if self._found:
            return
        if self._tenant is None or self._database is None:
            self._tenant, self._database = self._own()
        try:
            self._api.get_database(self._database, self._tenant)
        except NotFoundError:
            raise ServerRefusedError(
                f"The Chroma server at {self._address.authority} has no database {self._database!r} of a tenant "
                f"{self._tenant!r}; make it, or mend FOOTNOTE_CHROMA__TENANT and FOOTNOTE_CHROMA__DATABASE."
            ) from None
        except ChromaError as error:
            raise _refused(self._address.authority, str(error)) from error
        except (KeyError, TypeError):
            raise _wrong(self._address.authority) from None
        self._found = True

    def find_collection(self, name: str) -> Collection | None:
        """Return a collection by its name, None where there is none."""
        self.find()
        assert self._tenant is not None
        assert self._database is not None
        try:
            model = self._api.get_collection(name, self._tenant, self._database)
        except NotFoundError:
            return None
        return Collection(client=self._api, model=model, embedding_function=None)

    def make_collection(self, name: str, configuration: Mapping[str, Any], metadata: dict[str, Any]) -> Collection:
        """Return a collection by its name, made where it is not there."""
        self.find()
        assert self._tenant is not None
        assert self._database is not None
        asked = cast("CreateCollectionConfiguration", configuration)
        model = self._api.get_or_create_collection(
            name, configuration=asked, metadata=metadata, tenant=self._tenant, database=self._database
        )
        return Collection(client=self._api, model=model, embedding_function=None)

    def delete_collection(self, name: str) -> None:
        """Delete a collection; raises NotFoundError where there is none."""
        self.find()
        assert self._tenant is not None
        assert self._database is not None
        self._api.delete_collection(name, self._tenant, self._database)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.hang_up()
        self._system.stop()

    def _own(self) -> tuple[str, str]:
        """Return tenant and database where one is not set: those of the token in the Cloud, else Chroma's defaults."""
        tenant, database = self._tenant or DEFAULT_TENANT, self._database or DEFAULT_DATABASE
        if not self._address.cloud:
            return tenant, database
        mine = self._api.get_user_identity()
        names = set(mine.databases or ()) - {"*"}
        if self._database is None and len(names) != 1:
            raise ServerRefusedError(
                "The token of Chroma Cloud is for more than one database; name one in FOOTNOTE_CHROMA__DATABASE."
            )
        return self._tenant or mine.tenant or tenant, self._database or names.pop()


class _BoundedAPI(FastAPI):
    """Make each call in a bounded time, and none for some seconds after two that had no answer."""

    def __init__(self, system: System, address: str) -> None:
        super().__init__(system)
        self._authority = address
        self._breaker = Breaker(REST)

    def hang_up(self) -> None:
        """Close what connections are open."""
        self._session.close()

    @override
    def _make_request(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401  # as in Chroma
        if not self._breaker.closed():
            raise self._away("it did not answer the last calls")
        slow = method != "get" and path.endswith(SLOW_CALLS)
        options["timeout"] = httpx.Timeout(WRITING if slow else ANSWERING, connect=CONNECTING)
        try:
            try:
                reply = super()._make_request(method, path, **options)
            except httpx.TimeoutException:
                raise
            except httpx.TransportError:
                # A connection that was kept for the next call may be closed by now, and every call may be repeated.
                reply = super()._make_request(method, path, **options)
        except httpx.TransportError as error:
            self._breaker.failed()
            raise self._away(_reason(error)) from error
        except (RateLimitError, QuotaError) as error:
            self._breaker.failed()
            raise self._away(str(error)) from error
        except ChromaError:
            self._breaker.worked()
            raise
        except Exception as error:  # Chroma's own way to say that a reply is none of a Chroma server
            raise self._strange(error) from error
        self._breaker.worked()
        return reply

    def _strange(self, error: Exception) -> Exception:
        """Return what a reply means that Chroma's client makes nothing of."""
        cause = error.__context__
        if not isinstance(cause, httpx.HTTPStatusError):
            return _wrong(self._authority)
        status = cause.response.status_code
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return _refused(self._authority, f"HTTP {status}")
        if status >= OUT_OF_ORDER or status == TOO_MANY:  # mostly of a proxy whose server is away
            self._breaker.failed()
            return self._away(f"HTTP {status}")
        return _wrong(self._authority)

    def _away(self, reason: str) -> ServerAwayError:
        return ServerAwayError(
            f"The Chroma server at {self._authority} does not answer ({reason}); make sure that it runs, and check "
            "FOOTNOTE_CHROMA__URL."
        )


def _headers(address: Address, token: str | None) -> dict[str, str]:
    """Return what says who we are; raises BadInputError where it is said twice."""
    if address.user is not None:
        if token:
            raise BadInputError(
                "FOOTNOTE_CHROMA__URL holds a user and FOOTNOTE_CHROMA__TOKEN is set; a server takes one of them."
            )
        login = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
        return {"Authorization": f"Basic {login}"}
    if not token:
        if address.cloud:
            raise BadInputError("Chroma Cloud wants a token: set FOOTNOTE_CHROMA__TOKEN.")
        return {}
    # Chroma's own header, and the one that proxies know.
    return {"X-Chroma-Token": token} | ({} if address.cloud else {"Authorization": f"Bearer {token}"})


def _refused(address: str, words: str) -> ServerRefusedError:
    reason = (words.splitlines() or [""])[0].rstrip(".?! ") or "no reason given"
    return ServerRefusedError(
        f"The Chroma server at {address} will not have us ({reason}); check FOOTNOTE_CHROMA__TOKEN, "
        "FOOTNOTE_CHROMA__TENANT and FOOTNOTE_CHROMA__DATABASE."
    )


def _wrong(address: str) -> ServerRefusedError:
    return ServerRefusedError(
        f"At {address} answers no Chroma server of version 1.0 or later; check host, port and path in "
        "FOOTNOTE_CHROMA__URL, or update the server."
    )


def _reason(error: httpx.TransportError) -> str:
    """Return a few words without any address."""
    match error:
        case httpx.TimeoutException():
            return "nothing came in time"
        case httpx.ConnectError() if "CERTIFICATE" in str(error).upper():
            return "its TLS certificate is not trusted; SSL_CERT_FILE may name an authority of your own"
        case httpx.ConnectError():
            return "no connection"
        case httpx.UnsupportedProtocol() | httpx.ProxyError():
            return "the proxy does not lead there"
    return "the connection broke off"
