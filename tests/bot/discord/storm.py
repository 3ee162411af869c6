"""A storm: people ask in every way while calls, connections and events fail at random, and every outcome is recorded.

All failures are drawn from one seed. Each person does one thing at a time and waits for its end, so every message of
the bot belongs to one of them; one that belongs to none is one too many.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, takewhile
from typing import TYPE_CHECKING, Final

from bot.discord.ui import custom_ids as ids
from local_discord.interactions import COMPONENT
from local_discord.people import Person
from tests.bot.discord.prepared import done
from tests.local_discord.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.local_discord import Channel, Interaction, LocalDiscord, Message

FAILING: Final = 0.2  # of all calls
AT_ONCE: Final = 32  # people who wait for an answer
PATIENCE: Final = timedelta(minutes=1)  # for anything that somebody waits for
QUIET: Final = 2.0  # seconds at the end in which no more messages may come
CALM: Final = (1.0, 3.0)  # seconds between two disturbances of the Gateway
DISCORDS_OWN: Final = frozenset(  # calls that the client needs to connect at all
    {"GET /gateway", "GET /gateway/bot", "GET /users/@me", "GET /applications/@me", "GET /oauth2/applications/@me"}
)
INVALID_SESSION: Final = 9
SERVER_ERRORS: Final = (500, 502, 503, 504)
KINDS: Final = ("mention", "mention", "dm", "ask", "ask", "private", "menu", "click", "click", "form")
CLICKS: Final = (ids.UP, ids.DOWN, ids.QUOTES, ids.STAR, ids.THREAD)
FORMS: Final = (ids.FOLLOW_UP,)
BUTTON: Final = 2
FIRST_NUMBER: Final = 100_000  # no paper has numbers like these
APOLOGIES: Final = ("there is no answer, sorry", "could not be posted")


@dataclass
class Told:
    """One thing that somebody did, and what became of it.

    Attributes:
        kind: what they did.
        person: who did it.
        words: the unique text of it.
        answers: finds the bot's messages that answer it.
        acknowledged: seconds until the bot gave a sign, from the moment when it could know of it.
        ended: seconds until there was an answer or an apology.
        missed: whether Discord itself told the person that it failed, because the bot could not answer in time.
        away: whether the bot was off the Gateway then.
    """

    kind: str
    person: Person
    words: str
    answers: Callable[[], list[Message]] = list
    acknowledged: float | None = None
    ended: float | None = None
    missed: bool = False
    away: bool = False


@dataclass
class Report:
    """What happened in a storm, and what is wrong after it."""

    faults: Counter[str]
    told: list[Told]
    problems: list[str]
    longest_away: float

    def acknowledgements(self) -> list[float]:
        """List the seconds until each first sign of the bot, sorted."""
        return sorted(each.acknowledged for each in self.told if each.acknowledged is not None)

    def ends(self) -> list[float]:
        """List the seconds until each end, sorted."""
        return sorted(each.ended for each in self.told if each.ended is not None)

    def apologies(self) -> int:
        """Count those who were told that there is no answer."""
        return sum(not each.missed and not any(map(_is_answer, each.answers())) for each in self.told)


def share_of(values: Sequence[float], share: float) -> float:
    """Find the value that this share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))]


class Storm:
    """Let people act until `faults` things have failed, the share `failing` of all calls among them."""

    def __init__(
        self, server: LocalDiscord, seed: int, faults: int, questions: Sequence[str], *, failing: float = FAILING
    ) -> None:
        self._server = server
        self._chance = random.Random(seed)  # a plain generator will do: nothing here is secret
        self._wanted = faults
        self._failing = failing
        self._questions = questions
        self._faults: Counter[str] = Counter()
        self._told: list[Told] = []
        self._problems: list[str] = []
        self._cards: dict[int, Message] = {}
        self._numbers = count(FIRST_NUMBER)
        self._away = 0.0
        self._last_away = 0.0

    async def blow(self, places: Sequence[tuple[Person, Channel]]) -> Report:
        """Let at least two people act in their channels, and report what became of it.

        One question comes before the storm, so that whatever a program loads for its first one is loaded by then.
        """
        person, channel = places[0]
        self._told.append(Told("mention", person, self._questions[0]))
        await self._writes(self._told[0], channel)
        self._server.let_chance_decide(self._befall)
        over = asyncio.Event()
        watching = [asyncio.create_task(self._shake(over)), asyncio.create_task(self._watch(over))]
        turns = asyncio.Semaphore(AT_ONCE)
        try:
            await asyncio.gather(*(self._live(place, places, turns) for place in places))
        finally:
            over.set()
            self._server.let_chance_decide(None)
            await asyncio.gather(*watching)
        await self._server.taken_in()
        await asyncio.sleep(QUIET)
        self._judge()
        return Report(self._faults, self._told, self._problems, self._away)

    # What fails

    def _befall(self, route: str) -> Fault | None:
        if route in DISCORDS_OWN or self._chance.random() >= self._failing:
            return None
        stored = self._chance.random() < 0.5
        when = "after" if stored else "before"
        way = self._chance.choice(("cut", "cut", "error", "error", "slow", "global"))
        webhook = "webhooks" in route or "interactions" in route
        if way == "cut":
            self._faults[f"connection reset {when} storing"] += 1
            return Fault(route, stored=stored, dropped=True)
        if way == "error":
            self._faults[f"5xx {when} storing"] += 1
            return Fault(route, self._chance.choice(SERVER_ERRORS), stored=stored)
        everywhere = way == "global" and not webhook
        self._faults["429 for all" if everywhere else "429 of a bucket"] += 1
        return Fault(route, 429, retry_after=self._chance.uniform(0.05, 0.3), is_global=everywhere)

    async def _shake(self, over: asyncio.Event) -> None:
        """Disturb the Gateway again and again."""
        troubles: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("Gateway dropped", self._server.drop),
            ("Gateway dropped, events repeated", self._drop_and_repeat),
            ("order to reconnect", self._server.asks_to_reconnect),
            ("session to resume", self._resume),
            ("Gateway refused", self._refuse_gateway),
            ("connections refused", self._refuse),
            ("outage", self._outage),
            ("broken event", self._garble),
            ("broken event", self._garble),
        ]
        while not await _set_within(over, self._chance.uniform(*CALM)):
            name, trouble = self._chance.choice(troubles)
            self._faults[name] += 1
            await trouble()

    async def _drop_and_repeat(self) -> None:
        await self._server.drop(redeliver=self._chance.randrange(1, 30))

    async def _resume(self) -> None:
        resumed = self._server.gateway.resumed
        self._server.gateway.ask(INVALID_SESSION, data=True)
        await self._server.journal.until(lambda: self._server.gateway.resumed > resumed, "the client to resume")

    async def _refuse_gateway(self) -> None:
        self._server.gateway.refusals = self._chance.randrange(1, 3)
        await self._server.drop()

    async def _refuse(self) -> None:
        resumed = self._server.gateway.resumed
        async with self._server.refuses_connections():
            await asyncio.sleep(self._chance.uniform(0.05, 0.5))
        await self._server.journal.until(lambda: self._server.gateway.resumed > resumed, "the client to resume")

    async def _outage(self) -> None:
        """Keep the client away for longer than Discord waits for the acknowledgement of an interaction."""
        async with self._server.outage():
            await asyncio.sleep(self._chance.uniform(3, 8))

    async def _garble(self) -> None:
        """Send an event that no client can read."""
        world = self._server.world
        kind = self._chance.choice(("MESSAGE_CREATE", "MESSAGE_UPDATE", "INTERACTION_CREATE", "CHANNEL_UPDATE"))
        world.emit(kind, {"id": str(world.clock.snowflake()), "channel_id": "1", "author": None, "type": "?"})

    async def _watch(self, over: asyncio.Event) -> None:
        """Measure how long the client is off the Gateway."""
        began: float | None = None
        while not over.is_set():
            now = asyncio.get_running_loop().time()
            began = None if self._server.gateway.connected() else began or now
            if began:
                self._last_away = self._server.clock.now()
            self._away = max(self._away, now - began if began else 0.0)
            await asyncio.sleep(0.02)

    # What people do

    async def _live(
        self, place: tuple[Person, Channel], everybody: Sequence[tuple[Person, Channel]], turns: asyncio.Semaphore
    ) -> None:
        person, channel = place
        chance = random.Random(self._chance.random())  # each person's choices are independent of all other draws
        while sum(self._faults.values()) < self._wanted:
            async with turns:
                other = chance.choice([each for each, _ in everybody if each is not person])
                await self._do_something(person, channel, other, chance)

    async def _do_something(self, person: Person, channel: Channel, other: Person, chance: random.Random) -> None:
        kind = chance.choice(KINDS)
        card = self._cards.get(person.id)
        if kind in ("click", "form") and (card is None or not _offers(card, kind)):
            kind = "ask"
        told = Told(kind, person, f"{chance.choice(self._questions)} ({next(self._numbers)})")
        self._told.append(told)
        try:
            if kind in ("mention", "dm"):
                await self._writes(told, channel if kind == "mention" else person.dm)
            elif kind in ("ask", "private"):
                use = await person.uses_command(channel, "ask", question=told.words, private=kind == "private")
                await self._follow(told, use)
            elif kind == "menu":
                said = await other.says(channel, told.words)
                await self._follow(told, await person.uses_context_menu(said, "Ask about this"))
            elif card is not None:
                await self._clicks(told, card, chance.choice(_offers(card, kind)))
        except AssertionError as error:
            self._problems.append(f"{kind} {told.words}: {str(error).splitlines()[0]}")

    async def _writes(self, told: Told, channel: Channel) -> None:
        mention = f"{self._server.bot.mention} " if channel.guild else ""
        said = await told.person.says(channel, mention + told.words)
        told.answers = lambda: [each for each in _since(channel, said.id) if each.reply_to is said]
        await self._end(told, said.id)
        if found := told.answers():
            known = self._known_at(said.id)
            signs = [found[0].versions[0].time, *(at for at in channel.typing_at if at > known)]
            told.acknowledged = min(signs) - known
            self._cards[told.person.id] = found[0]

    async def _clicks(self, told: Told, card: Message, offer: tuple[str, str | None]) -> None:
        custom_id, option = offer
        if option is None:
            click = await told.person.clicks(card, custom_id)
        else:
            click = await told.person.chooses(card, custom_id, option)
        if await self._reached(told, click) and click.modal is not None:
            (asked,) = (part["component"]["custom_id"] for part in click.modal["components"])
            click = await told.person.submits(click, {asked: told.words})
        await self._follow(told, click)

    async def _follow(self, told: Told, use: Interaction) -> None:
        """Wait for the end of an interaction, in whichever channel its answer comes."""
        if not await self._reached(told, use) and use.type == COMPONENT:
            told.missed, told.away = True, self._last_away >= use.created
            return

        def answers() -> list[Message]:
            own = [each for each in use.messages() if not each.deleted]
            channels = dict.fromkeys([use.channel, told.person.dm])  # the same channel, if they clicked in the DM
            elsewhere = [each for channel in channels for each in _since(channel, use.id)]
            return [*own, *(each for each in elsewhere if each not in own and told.words in each.text)]

        told.answers = answers
        await self._end(told, use.id)
        if told.kind in ("ask", "menu") and (found := answers()):
            self._cards[told.person.id] = found[0]

    async def _reached(self, told: Told, use: Interaction) -> bool:
        """Wait for the acknowledgement, and tell whether it came in time."""
        clock, patience = self._server.clock, self._server.world.interaction_deadline.total_seconds()

        def is_settled() -> bool:
            return bool(use.kind or use.refused) or clock.now() - use.created > patience

        await self._server.journal.until(is_settled, f"a sign for {use!r}", PATIENCE)
        if use.answered_after is None:
            return False
        told.acknowledged = use.created + use.answered_after - self._known_at(use.id)
        return True

    async def _end(self, told: Told, since: int) -> None:
        """Wait until there is an answer or an apology."""

        def ended() -> bool:
            found = told.answers()
            apologies = [each for each in _since(told.person.dm, since) if each not in found]
            return bool(found or apologies) and all(done(each) and each.text for each in found)

        began = self._server.clock.now()
        await self._server.journal.until(ended, f"the end of {told.words!r}", PATIENCE)
        told.ended = self._server.clock.now() - began

    def _known_at(self, event_id: int) -> float:
        return self._server.gateway.delivered[str(event_id)]

    # What became of it

    def _judge(self) -> None:
        """Record every message that should not be there, and every missing one."""
        known: set[int] = set()
        silent: Counter[Person] = Counter()
        missed: Counter[Person] = Counter()
        for told in self._told:
            found = told.answers()
            known |= {each.id for each in found}
            texts = [each.text for each in found]
            if len(texts) > 1 and (told.kind != "click" or len(set(texts)) < len(texts)):
                self._problems.append(f"{told.kind} {told.words}: answered {len(texts)} times: {found}")
            silent[told.person] += not found and not told.missed
            missed[told.person] += told.missed
        apologies: Counter[Person] = Counter()
        for message in self._server.bot_messages():
            if message.deleted:
                continue
            if not done(message) or not message.text:
                self._problems.append(f"unfinished: {message!r}")
            if message.id in known or message.channel.is_thread:
                continue
            if isinstance(message.channel.recipient, Person):
                apologies[message.channel.recipient] += 1
            else:
                self._problems.append(f"belongs to nothing: {message!r}")
        for person in {*silent, *apologies}:
            # If Discord no longer accepts a reply to a click, the bot may apologise in a DM.
            if not silent[person] <= apologies[person] <= silent[person] + missed[person]:
                self._problems.append(f"{person.name}: {silent[person]} unanswered, {apologies[person]} apologies")


def _since(channel: Channel, event_id: int) -> list[Message]:
    """List the bot's messages in a channel that are newer than an event, oldest first."""
    newer = takewhile(lambda each: each.id > event_id, reversed(channel.messages.values()))
    return [each for each in newer if each.author is each.hub.bot][::-1]


def _offers(card: Message, kind: str) -> list[tuple[str, str | None]]:
    """List a card's buttons that can be clicked, and its menu options that can be chosen."""
    if card.deleted or not card.delivered:
        return []
    wanted = FORMS if kind == "form" else CLICKS
    found: list[tuple[str, str | None]] = []
    for part in card.parts():
        custom_id = str(part.get("custom_id"))
        if part["type"] == BUTTON and custom_id.startswith(wanted):
            found.append((custom_id, None))
        values = [option["value"] for option in part.get("options") or []]
        found += [(custom_id, value) for value in values if value.startswith(wanted)]
    return found


def _is_answer(message: Message) -> bool:
    return not any(words in message.text for words in APOLOGIES)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
