"""A CONNECT proxy, through which a separate process reaches the local Discord under Discord's own host names."""

from __future__ import annotations

import asyncio
import contextlib


class ConnectProxy:
    """Lead every tunnel to one of Discord's hosts to the local server."""

    def __init__(self, target_port: int) -> None:
        self.tunnels: list[str] = []
        self.port = 0
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every tunnel."""
        if self._server:
            self._server.close()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split()
        host = head[1].rpartition(":")[0]
        if head[0] != "CONNECT" or not host.endswith(("discord.com", "discord.gg", "discordapp.com", "discordapp.net")):
            writer.write(b"HTTP/1.1 403 Only Discord is behind this proxy\r\n\r\n")
            writer.close()
            return
        self.tunnels.append(host)
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except ConnectionError:
            writer.write(b"HTTP/1.1 502 Discord refuses connections\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(_pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()
