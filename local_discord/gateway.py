"""Discord's Gateway: identify, dispatch by intent, count heartbeats, resume with replay."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import discord
from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from .hub import Audience
    from .world import World

Payload = dict[str, Any]
Outbox = asyncio.Queue[str | None]  # frames to send, and pings (None)

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT, REQUEST_MEMBERS = 0, 1, 2, 3, 6, 7, 8
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
BAD_TOKEN, DISALLOWED_INTENTS = 4004, 4014
CONTENT = discord.Intents(message_content=True).value
# An event is sent only to sessions with its intent, which differs for direct messages.
INTENTS = {
    "GUILD_MEMBER": ("members", "members"),
    "GUILD": ("guilds", "guilds"),
    "CHANNEL": ("guilds", "guilds"),
    "THREAD": ("guilds", "guilds"),
    "MESSAGE_REACTION": ("guild_reactions", "dm_reactions"),
    "MESSAGE": ("guild_messages", "dm_messages"),
}


@dataclass(frozen=True)
class Sent:
    """An event with its sequence number in the session."""

    seq: int
    name: str
    frame: str
    event_id: str


@dataclass
class Session:
    """What one client (or one of its shards) was sent since it identified, connected or not."""

    id: str
    intents: int
    shard: tuple[int, int]
    seq: int = 0
    asked: int = 0
    presence: Payload | None = None
    sent: list[Sent] = field(default_factory=list)
    outbox: Outbox | None = None
    socket: web.WebSocketResponse | None = None


@dataclass(frozen=True)
class Heartbeat:
    """The time of a heartbeat, and how many seconds late it came (negative: early)."""

    time: float
    late: float


class Gateway:
    """All sessions and their sockets; ``delivered`` has the time when each event was first sent to a client."""

    def __init__(self, token: str, allowed_privileged: int) -> None:
        self.world: World
        self.sessions: dict[str, Session] = {}
        self.heartbeats: list[Heartbeat] = []
        self.identified = 0
        self.resumed = 0
        self.heartbeat_interval = timedelta(seconds=41.25)
        self.redeliver = 0
        self.refusals = 0
        self.delivered: dict[str, float] = {}
        self.open = asyncio.Event()
        self.open.set()
        self._token = token
        self._allowed_privileged = allowed_privileged

    def connected(self) -> list[Session]:
        """List the sessions with an open socket."""
        return [session for session in self.sessions.values() if session.socket]

    def emit(self, name: str, data: Payload, *, guild: Audience | None = None, redacted: Payload | None = None) -> None:
        """Send an event to every session that should see it; a disconnected one gets it when it resumes."""
        for session in self.sessions.values():
            # Direct messages go to shard 0.
            mine = ((guild.id if guild else 0) >> 22) % session.shard[1] == session.shard[0]
            if (
                not mine
                or (guild and not guild.has_bot)
                or not _wants(session.intents, name, in_guild=guild is not None)
            ):
                continue
            blank = redacted is not None and not session.intents & CONTENT
            self._send(session, name, redacted if blank and redacted is not None else data)
        self.world.journal.note(f"event {name}")

    async def deliver_again(self, message_id: int) -> None:
        """Send every event about a message again with new sequence numbers, as a careless RESUME does."""
        for session in self.connected():
            for past in list(session.sent):
                body = json.loads(past.frame)["d"]
                if past.name == "MESSAGE_CREATE" and body.get("id") == str(message_id):
                    self._send(session, past.name, body)
        await self.taken_in()

    async def taken_in(self) -> None:
        """Wait until every connected client has read everything that was sent so far."""
        # Twice, because the first pong may overtake tasks that the client has just started. WebSocket pings, because a
        # client may send only 120 messages a minute, heartbeats included, and discord.py waits after 110.
        for _ in range(2):
            for session in self.connected():
                assert session.outbox
                session.asked += 1
                session.outbox.put_nowait(None)
            await self.world.journal.until(self._all_answered, "the client to read what was sent to it")

    async def drop(self, code: int = 4000) -> None:
        """End every connection; clients may resume."""
        for session in self.connected():
            assert session.socket
            await session.socket.close(code=code)

    def ask(self, op: int, data: object = None) -> None:
        """Send every client an opcode: reconnect (7) or invalid session (9)."""
        for session in self.connected():
            self._order(session, op, data)
            if op == INVALID_SESSION and data is not True:
                del self.sessions[session.id]

    def worst_lateness(self) -> float:
        """Compute how many seconds late the latest heartbeat was, counting one that is still missing."""
        missing = self._lateness(self.heartbeats[-1].time) if self.heartbeats and self.connected() else 0.0
        return max([0.0, missing, *(beat.late for beat in self.heartbeats)])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection for as long as it lasts."""
        await self.open.wait()
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=1 << 20, autoping=False)
        await socket.prepare(request)
        outbox: Outbox = asyncio.Queue()
        interval = self.heartbeat_interval // timedelta(milliseconds=1)
        outbox.put_nowait(json.dumps({"op": HELLO, "d": {"heartbeat_interval": interval}}))
        writer = asyncio.create_task(_write(socket, outbox))
        session: Session | None = None
        last_beat: float | None = None
        try:
            async for frame in socket:
                if frame.type is WSMsgType.PONG:
                    self._read_all(session)
                elif frame.type is not WSMsgType.TEXT:
                    break
                elif (order := frame.json())["op"] == HEARTBEAT:
                    last_beat = self._beat(outbox, last_beat)
                elif order["op"] in {IDENTIFY, RESUME}:
                    session = await self._begin(order, socket, outbox)
                elif session:
                    self._obey(session, order)
        finally:
            writer.cancel()
            if session and session.socket is socket:
                session.socket = session.outbox = None
                session.asked = 0
                self.world.journal.note(f"gateway connection closed ({socket.close_code})")
        return socket

    def _order(self, session: Session, op: int, data: object = None) -> None:
        assert session.outbox
        session.outbox.put_nowait(json.dumps({"op": op, "d": data}))

    def _all_answered(self) -> bool:
        return not any(session.asked for session in self.connected())

    def _read_all(self, session: Session | None) -> None:
        """Record that a client has read everything sent before a ping."""
        if session:
            session.asked -= 1
            self.world.journal.note("client read all")

    def _beat(self, outbox: Outbox, last: float | None) -> float:
        """Acknowledge a heartbeat and return its time."""
        outbox.put_nowait(json.dumps({"op": HEARTBEAT_ACK}))
        beat = Heartbeat(time.monotonic(), self._lateness(last) if last else 0.0)
        self.heartbeats.append(beat)
        self.world.journal.note("heartbeat")
        return beat.time

    def _lateness(self, last: float) -> float:
        """Compute how many seconds late a heartbeat is that comes now, after one at `last`."""
        return time.monotonic() - last - self.heartbeat_interval.total_seconds()

    def _obey(self, session: Session, order: Payload) -> None:
        if order["op"] == PRESENCE:
            session.presence = order["d"]
            self.world.journal.note("presence changed")
        elif order["op"] == REQUEST_MEMBERS:
            self._send_members(session, order["d"])

    async def _begin(self, order: Payload, socket: web.WebSocketResponse, outbox: Outbox) -> Session | None:
        if order["op"] == RESUME:
            return self._resume(order["d"], socket, outbox)
        return await self._identify(order["d"], socket, outbox)

    async def _identify(self, order: Payload, socket: web.WebSocketResponse, outbox: Outbox) -> Session | None:
        privileged = discord.Intents(members=True, presences=True, message_content=True).value
        if order["token"] != self._token:
            await socket.close(code=BAD_TOKEN, message=b"Authentication failed.")
            return None
        if order["intents"] & privileged & ~self._allowed_privileged:
            await socket.close(code=DISALLOWED_INTENTS, message=b"Disallowed intent(s).")
            return None
        shard = tuple(order.get("shard") or (0, 1))
        session = Session(secrets.token_hex(8), order["intents"], (shard[0], shard[1]), presence=order.get("presence"))
        self.sessions = {key: old for key, old in self.sessions.items() if old.shard != session.shard or old.socket}
        self.sessions[session.id] = session
        session.socket, session.outbox = socket, outbox
        self._send_ready(session)
        self.identified += 1
        self.world.journal.note("client identified")
        return session

    def _send_ready(self, session: Session) -> None:
        """Send READY, and the shard's guilds that are there."""
        number, shards = session.shard
        guilds = [one for one in self.world.guilds.values() if one.has_bot and (one.id >> 22) % shards == number]
        ready: Payload = {
            "v": 10,
            "user": self.world.bot.payload(),
            "session_id": session.id,
            "shard": [number, shards],
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "resume_gateway_url": "wss://gateway-local-1.discord.gg",
            "application": {"id": str(self.world.application_id), "flags": 0},
        }
        self._send(session, "READY", ready)
        everybody = bool(session.intents & discord.Intents(members=True).value)
        for guild in guilds:
            if not guild.unavailable:
                self._send(session, "GUILD_CREATE", self.world.guild_payload(guild, all_members=everybody))

    def _resume(self, order: Payload, socket: web.WebSocketResponse, outbox: Outbox) -> Session | None:
        session = self.sessions.get(order["session_id"])
        if session is None or order["token"] != self._token:
            outbox.put_nowait(json.dumps({"op": INVALID_SESSION, "d": False}))
            return None
        session.socket, session.outbox = socket, outbox
        first_missed = order["seq"] - self.redeliver
        for missed in [
            past for past in session.sent if past.seq > first_missed and past.name not in ("READY", "RESUMED")
        ]:
            outbox.put_nowait(missed.frame)
            if missed.seq > order["seq"]:
                self.delivered[missed.event_id] = self.world.clock.now()
        self._send(session, "RESUMED", {})
        self.redeliver = 0
        self.resumed += 1
        self.world.journal.note("client resumed")
        return session

    def _send(self, session: Session, name: str, data: Payload) -> None:
        session.seq += 1
        frame = json.dumps({"op": DISPATCH, "t": name, "s": session.seq, "d": data})
        event_id = str(data.get("id"))
        session.sent.append(Sent(session.seq, name, frame, event_id))
        if session.outbox:
            session.outbox.put_nowait(frame)
            self.delivered.setdefault(event_id, self.world.clock.now())

    def _send_members(self, session: Session, order: Payload) -> None:
        ids = order["guild_id"] if isinstance(order["guild_id"], list) else [order["guild_id"]]
        for guild in [self.world.guilds[int(guild_id)] for guild_id in ids]:
            members = [guild.member_payload(member) for member in guild.members.values()]
            chunk = {
                "guild_id": str(guild.id),
                "members": members,
                "chunk_index": 0,
                "chunk_count": 1,
                "not_found": [],
            }
            self._send(session, "GUILD_MEMBERS_CHUNK", chunk | {"nonce": order.get("nonce")})


async def _write(socket: web.WebSocketResponse, outbox: Outbox) -> None:
    while True:
        frame = await outbox.get()
        try:
            await (socket.ping() if frame is None else socket.send_str(frame))
        except ConnectionError:
            return


def _wants(intents: int, event: str, *, in_guild: bool) -> bool:
    for prefix, (for_guild, for_dm) in INTENTS.items():
        if event.startswith(prefix):
            return bool(intents & getattr(discord.Intents, for_guild if in_guild else for_dm).flag)
    return True
