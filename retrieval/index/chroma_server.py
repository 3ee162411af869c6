"""A Chroma server: its address and credentials, and a client with timeouts.

Chroma's own client has no timeout, and opens a second connection, without the same options, to look up tenant and
database. So only its HTTP layer is used, with a timeout for each call.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import timedelta
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
CLOUD_RESULTS: Final = 300  # Chroma Cloud's quotas: results per query, records per call
CLOUD_RECORDS: Final = 300

CONNECTING: Final = timedelta(seconds=2)  # timeouts
ANSWERING: Final = timedelta(seconds=3)
WRITING: Final = timedelta(seconds=30)  # only the indexer waits for it
REST: Final = timedelta(seconds=5)  # without calls after two failures in a row
SLOW_CALLS: Final = ("/add", "/upsert", "/delete", "/get", "/collections")
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY: Final = 429
OUT_OF_ORDER: Final = 500
PORT: Final = 8000


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """The address and credentials of a Chroma server.

    Attributes:
        url: `http(s)://[user:password@]host[:port][/path]`.
        token: the token that the server, or a proxy in front of it, requires.
        tenant: the tenant; None for the default one, or for the owner of a Chroma Cloud token.
        database: the database; None for the default one, or for the only one of a Chroma Cloud token.
    """

    url: str = field(repr=False)  # may contain a password
    token: str | None = field(default=None, repr=False)
    tenant: str | None = None
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a server's URL; `base` contains neither user nor password."""

    base: str
    authority: str
    user: str | None
    password: str
    cloud: bool

    @classmethod
    def read(cls, url: str) -> Address:
        """Parse a URL; raises BadInputError if it is invalid or has parts that would be ignored."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:  # an invalid port
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
    """A client for one database of a Chroma server, with timeouts for all calls, also those of its collections.

    Attributes:
        most_results: the server's limit of results per query; None for no limit.
        most_records: the server's limit of records per call; None for no limit.
    """

    def __init__(self, server: ChromaServer) -> None:
        """Parse the address; raises BadInputError if it or the credentials are invalid."""
        self._address = Address.read(server.url)
        self._tenant, self._database = server.tenant, server.database
        self._found = False
        self.most_results = CLOUD_RESULTS if self._address.cloud else None
        self.most_records = CLOUD_RECORDS if self._address.cloud else None
        settings = ChromaSettings(
            anonymized_telemetry=False,
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=self._address.base,  # includes port and path, which Chroma then keeps
            chroma_server_http_port=PORT,
            chroma_server_headers=_headers(self._address, server.token),
        )
        self._system = System(settings)
        self._api = _BoundedAPI(self._system, self._address.authority)

    def find(self) -> None:
        """Check once that the server accepts us and has the tenant and database.

        Raises ServerAwayError if it does not answer, ServerRefusedError if it rejects us.
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
        """A collection by name; None if it does not exist."""
        self.find()
        assert self._tenant is not None
        assert self._database is not None
        try:
            model = self._api.get_collection(name, self._tenant, self._database)
        except NotFoundError:
            return None
        return Collection(client=self._api, model=model, embedding_function=None)

    def make_collection(self, name: str, configuration: Mapping[str, Any], metadata: dict[str, Any]) -> Collection:
        """Get or create a collection."""
        self.find()
        assert self._tenant is not None
        assert self._database is not None
        asked = cast("CreateCollectionConfiguration", configuration)
        model = self._api.get_or_create_collection(
            name, configuration=asked, metadata=metadata, tenant=self._tenant, database=self._database
        )
        return Collection(client=self._api, model=model, embedding_function=None)

    def delete_collection(self, name: str) -> None:
        """Delete a collection; raises NotFoundError if it does not exist."""
        self.find()
        assert self._tenant is not None
        assert self._database is not None
        self._api.delete_collection(name, self._tenant, self._database)

    def close(self) -> None:
        """Close the connections."""
        self._api.hang_up()
        self._system.stop()

    def _own(self) -> tuple[str, str]:
        """Default tenant and database: those of a Chroma Cloud token, else Chroma's defaults."""
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
    """Chroma's HTTP layer, with a timeout for each call and a circuit breaker."""

    def __init__(self, system: System, address: str) -> None:
        super().__init__(system)
        self._authority = address
        self._breaker = Breaker(REST)

    def hang_up(self) -> None:
        """Close open connections."""
        self._session.close()

    @override
    def _make_request(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401  # as in Chroma
        if not self._breaker.allows_call():
            raise self._away("it did not answer the last calls")
        answering = WRITING if method != "get" and path.endswith(SLOW_CALLS) else ANSWERING
        options["timeout"] = httpx.Timeout(answering.total_seconds(), connect=CONNECTING.total_seconds())
        try:
            try:
                reply = super()._make_request(method, path, **options)
            except httpx.TimeoutException:
                raise
            except httpx.TransportError:
                # A pooled connection may have been closed meanwhile; all calls are safe to repeat.
                reply = super()._make_request(method, path, **options)
        except httpx.TransportError as error:
            self._breaker.record_failure()
            raise self._away(_reason(error)) from error
        except (RateLimitError, QuotaError) as error:
            self._breaker.record_failure()
            raise self._away(str(error)) from error
        except ChromaError:
            self._breaker.record_success()
            raise
        except Exception as error:  # raised by Chroma for a reply that is not a Chroma server's
            raise self._strange(error) from error
        self._breaker.record_success()
        return reply

    def _strange(self, error: Exception) -> Exception:
        """The error for a reply that Chroma's client does not understand."""
        cause = error.__context__
        if not isinstance(cause, httpx.HTTPStatusError):
            return _wrong(self._authority)
        status = cause.response.status_code
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return _refused(self._authority, f"HTTP {status}")
        if status >= OUT_OF_ORDER or status == TOO_MANY:  # mostly a proxy whose server is away
            self._breaker.record_failure()
            return self._away(f"HTTP {status}")
        return _wrong(self._authority)

    def _away(self, reason: str) -> ServerAwayError:
        return ServerAwayError(
            f"The Chroma server at {self._authority} does not answer ({reason}); make sure that it runs, and check "
            "FOOTNOTE_CHROMA__URL."
        )


def _headers(address: Address, token: str | None) -> dict[str, str]:
    """The authentication headers; raises BadInputError if there are both a user and a token."""
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
    # Chroma's own header, and the one that proxies understand.
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
    """A short reason, without any URL."""
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
