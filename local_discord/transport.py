"""Serve Discord's host names on local sockets: certificates and a resolver."""

from __future__ import annotations

import socket
import ssl

import aiohttp
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

HOSTS = ("discord.com", "*.discord.com", "discord.gg", "*.discord.gg", "*.discordapp.com", "*.discordapp.net")


class Certificates:
    """A certificate authority of our own, and the certificate for Discord's host names."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    @property
    def authority(self) -> bytes:
        """The authority's own certificate, for a client in another process."""
        return self._authority.cert_pem.bytes()

    def for_server(self) -> ssl.SSLContext:
        """Make the context with which the server identifies as discord.com."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*HOSTS).configure_cert(context)
        return context

    def for_client(self) -> ssl.SSLContext:
        """Make a context that trusts only this server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context


class EveryHostIsLocal(AbstractResolver):
    """Resolve every name to the local server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - aiohttp's signature
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        where = ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET, proto=0, flags=0)
        return [where]

    async def close(self) -> None:
        """Do nothing: there are no resources to release."""


def connector(certificates: Certificates, port: int) -> aiohttp.TCPConnector:
    """Make the connector for a client in this process; call it inside the running loop."""
    return aiohttp.TCPConnector(resolver=EveryHostIsLocal(port), ssl=certificates.for_client(), limit=0)
