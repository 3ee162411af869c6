"""The server behind the page: which requests it accepts, what each visitor is shown, and what it refuses to do."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from local_discord import LocalDiscord
from local_discord.channels import Message
from local_discord.interactions import COMMAND, Interaction
from local_discord.limits import EPHEMERAL
from local_discord.web.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local_discord import Channel, Person


class Client:
    """A browser's requests to the site; they say which page they come from."""

    def __init__(self, site: Site, session: aiohttp.ClientSession) -> None:
        self.site = site
        self._session = session

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._session.get(self.site.address + path, headers=headers) as reply:
            return reply.status, await reply.text()

    async def do(self, deed: dict[str, Any] | str, **headers: str) -> tuple[int, Any]:
        sent = {"Origin": self.site.address[:-1], "Content-Type": "application/json"} | headers
        sent = {name: value for name, value in sent.items() if value}
        body = deed if isinstance(deed, str) else json.dumps(deed)
        async with self._session.post(f"{self.site.address}deeds", data=body, headers=sent) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else None

    async def view(self, who: str, channel: Channel) -> dict[str, Any]:
        origin = {"Origin": self.site.address[:-1]}
        async with self._session.ws_connect(f"{self.site.address}view", headers=origin) as watching:
            await watching.send_json({"who": who, "channel": str(channel.id)})
            told: dict[str, Any] = await watching.receive_json(timeout=10)
            return told


@pytest.fixture
async def local() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord(message_content=True) as local:
        local.guild("Lab").channel("papers")
        yield local


@pytest.fixture
def papers(local: LocalDiscord) -> Channel:
    return local.guild("Lab").channel("papers")


@pytest.fixture
def ada(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Ada")


@pytest.fixture
def bob(local: LocalDiscord) -> Person:
    return local.guild("Lab").member("Bob")


@pytest.fixture
async def client(local: LocalDiscord, ada: Person, bob: Person) -> AsyncIterator[Client]:
    async with Site(local, [ada, bob], {"title": "Lab"}).serving(0) as site, aiohttp.ClientSession() as session:
        yield Client(site, session)


class TestWhoIsLetIn:
    async def test_a_browser_gets_the_page_and_all_that_it_is_made_of(self, client: Client) -> None:
        status, page = await client.get("")
        assert status == 200
        names = [part.split('"')[0] for part in page.split("/static/")[1:]]
        assert len(names) >= 4
        for name in [*names, "composer.js", "dialog.js", "lists.js", "server.js"]:
            assert (await client.get(f"static/{name}"))[0] == 200, name

    async def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script_but_its_own(self, client: Client) -> None:
        async with aiohttp.ClientSession() as session, session.get(client.site.address) as reply:
            policy = reply.headers["Content-Security-Policy"]
            page = await reply.text()
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http://" not in page
        assert "https://" not in page

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example:1"])
    async def test_another_name_for_this_machine_is_refused(self, client: Client, host: str) -> None:
        assert (await client.get("", Host=host))[0] == 403
        assert (await client.get("about", Host=host))[0] == 403

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "", "http://127.0.0.1:1"])
    async def test_another_page_can_do_nothing(self, client: Client, papers: Channel, ada: Person, origin: str) -> None:
        deed = {"who": ada.name, "channel": str(papers.id), "do": "say", "text": "hello"}
        assert (await client.do(deed, Origin=origin))[0] == 403
        assert not papers.messages

    async def test_another_page_can_watch_nothing(self, client: Client) -> None:
        for headers in ({"Origin": "http://evil.example"}, {}):
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await session.ws_connect(f"{client.site.address}view", headers=headers)

    async def test_a_form_of_another_page_is_no_deed(self, client: Client, papers: Channel) -> None:
        deed = {"who": "Ada", "channel": str(papers.id), "do": "say", "text": "hello"}
        assert (await client.do(deed, **{"Content-Type": "text/plain"}))[0] == 415
        assert (await client.do("[1]"))[0] == 400
        assert (await client.do("{"))[0] == 400
        assert not papers.messages

    async def test_only_this_machine_reaches_it(self, client: Client) -> None:
        port = int(client.site.address.rsplit(":", 1)[1].strip("/"))
        with socket.socket() as other:
            other.bind(("127.0.0.2", port))  # fails if the site listens on all addresses

    @pytest.mark.parametrize("name", ["..%2fsite.py", "%2e%2e/site.py", "nothing.js", "style.css%00"])
    async def test_no_other_file_is_served(self, client: Client, name: str) -> None:
        assert (await client.get(f"static/{name}"))[0] in {400, 404}


class TestWhatIsDone:
    async def test_a_message_with_names_mentions_those_who_have_them(
        self, client: Client, local: LocalDiscord, papers: Channel, ada: Person
    ) -> None:
        text = "@footnote and @Ada, see mail@footnote.org"
        status, came = await client.do({"who": "Bob", "channel": str(papers.id), "do": "say", "text": text})
        assert status == 200
        said = papers.messages[int(came["message"])]
        assert said.content == f"{local.bot.mention} and {ada.mention}, see mail@footnote.org"
        assert said.author.name == "Bob"

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"do": "say", "text": " "}, "Write something first."),
            ({"do": "say", "text": "x" * 2001}, "A message takes 2000 characters at most."),
            ({"do": "dance"}, "This page is of another version; load it anew."),
            ({"do": ["say"]}, "This page asked for what there is not; load it anew."),
            ({"do": "say"}, "This page asked for what there is not; load it anew."),
            ({"do": "click", "message": "1", "custom_id": "x"}, "This message is not there any more."),
            (
                {"do": "click", "message": "one", "custom_id": "x"},
                "This page asked for what there is not; load it anew.",
            ),
            ({"do": "submit", "form": "1", "answers": {}}, "This form is not open any more."),
            ({"do": "command", "command": "ask", "options": {}}, "/ask is not offered here."),
            ({"who": "Eve", "do": "say", "text": "hello"}, "There is no such person here."),
            ({"channel": "12", "do": "say", "text": "hello"}, "This channel is not there any more."),
        ],
    )
    async def test_what_cannot_be_done_is_said_in_a_sentence(
        self, client: Client, papers: Channel, more: dict[str, Any], sentence: str
    ) -> None:
        status, came = await client.do({"who": "Ada", "channel": str(papers.id)} | more)
        assert (status, came) == (200, {"error": sentence})
        assert not papers.messages

    async def test_nobody_changes_what_others_wrote(self, client: Client, papers: Channel, ada: Person) -> None:
        said = await ada.says(papers, "mine")
        deed = {"who": "Bob", "channel": str(papers.id), "message": str(said.id)}
        assert "cannot" in (await client.do(deed | {"do": "delete"}))[1]["error"]
        assert "cannot" in (await client.do(deed | {"do": "edit", "text": "yours"}))[1]["error"]
        assert papers.messages[said.id].content == "mine"
        assert await client.do(deed | {"who": "Ada", "do": "edit", "text": "still mine"}) == (200, {})
        assert papers.messages[said.id].content == "still mine"


class TestWhoSeesWhat:
    async def test_direct_messages_are_for_one(self, client: Client, ada: Person) -> None:
        await ada.dms("a secret")
        assert "a secret" in str(await client.view("Ada", ada.dm))
        assert await client.view("Bob", ada.dm) == {"error": "This channel is not there any more."}

    async def test_what_only_one_sees_is_told_to_no_other(
        self, client: Client, local: LocalDiscord, papers: Channel, ada: Person
    ) -> None:
        world = local.world
        used = Interaction(world, world.clock.snowflake(), "token", COMMAND, ada, papers, "/help", world.clock.now())
        said = world.version({"content": "for you alone"}, None)
        used.original = Message(world, world.clock.snowflake(), papers, local.bot, [said], flags=EPHEMERAL)
        used.original.interaction, used.original.viewer = used.metadata(), ada
        world.interactions["token"] = used
        assert "for you alone" in str(await client.view("Ada", papers))
        assert "for you alone" not in str(await client.view("Bob", papers))
        deed = {"who": "Bob", "channel": str(papers.id), "do": "click", "message": str(used.original.id)}
        assert (await client.do(deed | {"custom_id": "x"}))[1] == {"error": "This message is not there any more."}

    async def test_changes_are_told_as_they_come(self, client: Client, papers: Channel, ada: Person) -> None:
        origin = {"Origin": client.site.address[:-1]}
        async with aiohttp.ClientSession() as session:
            watching = await session.ws_connect(f"{client.site.address}view", headers=origin)
            await watching.send_json({"who": "Bob", "channel": str(papers.id)})
            assert (await watching.receive_json(timeout=10))["whole"]
            said = await ada.says(papers, "first")
            news = await watching.receive_json(timeout=10)
            assert [each["id"] for each in news["messages"]] == [str(said.id)]
            await ada.edits(said, "second")
            assert "second" in (await watching.receive_json(timeout=10))["messages"][0]["html"]
            await ada.deletes(said)
            assert (await watching.receive_json(timeout=10))["gone"] == [str(said.id)]

    async def test_orders_that_are_none_end_nothing(self, client: Client, papers: Channel) -> None:
        origin = {"Origin": client.site.address[:-1]}
        async with aiohttp.ClientSession() as session:
            watching = await session.ws_connect(f"{client.site.address}view", headers=origin)
            for order in ("{", "[]", '"x"', '{"dismiss": "x"}', '{"who": 1, "channel": {}}'):
                await watching.send_str(order)
            await watching.send_json({"who": "Ada", "channel": str(papers.id)})
            while not (told := await watching.receive_json(timeout=10)).get("whole"):
                assert "error" in told
