"""Prove that the local Discord refuses what exceeds Discord's limits, and accepts what just meets them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from local_discord.components import V2_COMPONENTS
from local_discord.errors import ApiError
from local_discord.limits import COMPONENTS_V2, check_choices, check_commands, check_message, check_modal
from local_discord.mentions import pings
from local_discord.plain_text import links
from tests.local_discord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import Callable

Payload = dict[str, Any]


def embed(**fields: Any) -> Payload:
    return {"embeds": [{"description": "d"} | fields]}


def button(**fields: Any) -> Payload:
    return {"type": 2, "style": 1, "label": "x", "custom_id": "c"} | fields


def link(url: str) -> Payload:
    return {"type": 2, "style": 5, "label": "x", "url": url}


def select(**fields: Any) -> Payload:
    return {"type": 3, "custom_id": "c", "options": [{"label": "a", "value": "a"}]} | fields


def options(number: int, **fields: Any) -> list[Payload]:
    return [{"label": str(one), "value": str(one)} | fields for one in range(number)]


def rows(*parts: Payload, number: int = 1) -> Payload:
    row: Payload = {"type": 1, "components": list(parts)}
    made = [copy.deepcopy(row) for _ in range(number)]
    for place, one in enumerate(made):
        for part in one["components"]:
            if "custom_id" in part:
                part["custom_id"] += str(place) if number > 1 else ""
    return {"content": "x", "components": made}


def buttons(number: int) -> Payload:
    return rows(*(button(custom_id=str(one)) for one in range(number)))


def v2(*parts: Payload, **fields: Any) -> Payload:
    return {"flags": COMPONENTS_V2, "components": list(parts)} | fields


def text(content: str) -> Payload:
    return {"type": 10, "content": content}


def section(*texts: str) -> Payload:
    return {"type": 9, "components": [text(one) for one in texts], "accessory": button()}


def container(*parts: Payload) -> Payload:
    return {"type": 17, "components": list(parts)}


GOOD_AND_BAD: list[tuple[str, Payload, Payload, str]] = [
    ("content", {"content": "x" * 2000}, {"content": "x" * 2001}, "content"),
    ("embeds", {"embeds": [{"title": "x"}] * 10}, {"embeds": [{"title": "x"}] * 11}, "embeds"),
    ("embed title", embed(title="x" * 256), embed(title="x" * 257), "title"),
    ("embed description", embed(description="x" * 4096), embed(description="x" * 4097), "description"),
    ("embed footer", embed(footer={"text": "x" * 2048}), embed(footer={"text": "x" * 2049}), "footer"),
    ("embed author", embed(author={"name": "x" * 256}), embed(author={"name": "x" * 257}), "author"),
    (
        "embed fields",
        embed(fields=[{"name": "n", "value": "v"}] * 25),
        embed(fields=[{"name": "n", "value": "v"}] * 26),
        "fields",
    ),
    (
        "field name",
        embed(fields=[{"name": "x" * 256, "value": "v"}]),
        embed(fields=[{"name": "x" * 257, "value": "v"}]),
        "name",
    ),
    (
        "field value",
        embed(fields=[{"name": "n", "value": "x" * 1024}]),
        embed(fields=[{"name": "n", "value": "x" * 1025}]),
        "value",
    ),
    (
        "text over all embeds",
        {"embeds": [{"description": "x" * 3000}] * 2},
        {"embeds": [{"description": "x" * 3000}] * 2 + [{"title": "x"}]},
        "MAX_EMBED_SIZE_EXCEEDED",
    ),
    ("embed url", embed(url="https://a.example"), embed(url="arxiv.org"), "URL_TYPE_INVALID_SCHEME"),
    ("nonce", {"content": "x", "nonce": "n" * 25}, {"content": "x", "nonce": "n" * 26}, "nonce"),
    ("action rows", rows(button(), number=5), rows(button(), number=6), "components"),
    ("buttons a row", buttons(5), buttons(6), "components"),
    ("a select fills its row", rows(select()), rows(select(), button(custom_id="d")), "components"),
    ("button label", rows(button(label="x" * 80)), rows(button(label="x" * 81)), "label"),
    ("a button says something", rows(button()), rows(button(label=None)), "BUTTON_COMPONENT_INVALID_LABEL"),
    ("button custom_id", rows(button(custom_id="x" * 100)), rows(button(custom_id="x" * 101)), "custom_id"),
    ("button url", rows(link("https://a/" + "x" * 502)), rows(link("https://a/" + "x" * 503)), "url"),
    ("button url scheme", rows(link("https://a.example")), rows(link("ftp://a.example")), "SCHEME"),
    ("custom ids differ", rows(button(), button(custom_id="d")), rows(button(), button()), "DUPLICATED"),
    ("select options", rows(select(options=options(25))), rows(select(options=options(26))), "options"),
    ("select placeholder", rows(select(placeholder="x" * 150)), rows(select(placeholder="x" * 151)), "placeholder"),
    *(
        (
            f"option {key}",
            rows(select(options=options(1, **{key: "x" * 100}))),
            rows(select(options=options(1, **{key: "x" * 101}))),
            key,
        )
        for key in ("label", "value", "description")
    ),
    ("select picks", rows(select(max_values=1)), rows(select(max_values=2)), "max_values"),
    (
        "components in all",
        v2(*[text("x")] * V2_COMPONENTS),
        v2(container(*[text("x")] * V2_COMPONENTS)),
        "components",
    ),
    ("text over all displays", v2(text("x" * 2000), text("x" * 2000)), v2(text("x" * 2000), text("x" * 2001)), "TEXT"),
    ("no content beside a layout", v2(text("x")), v2(text("x"), content="x"), "LEGACY"),
    ("no embeds beside a layout", v2(text("x")), v2(text("x"), embeds=[{"title": "x"}]), "LEGACY"),
    ("layouts need their flag", v2(text("x")), v2(text("x"), flags=0), "UNION_TYPE_CHOICES"),
    ("section texts", v2(section("a", "b", "c")), v2(section("a", "b", "c", "d")), "components"),
    ("no container in a container", v2(container(text("x"))), v2(container(container(text("x")))), "UNION"),
    ("buttons stand in rows", v2({"type": 1, "components": [button()]}), v2(button()), "UNION"),
    (
        "mentions are parsed or listed",
        {"content": "x", "allowed_mentions": {"users": ["1"]}},
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "EXCLUSIVE",
    ),
]


@pytest.mark.parametrize(
    ("good", "bad", "where"),
    [pytest.param(good, bad, where, id=name) for name, good, bad, where in GOOD_AND_BAD],
)
def test_a_message_at_the_limit_passes_and_one_beyond_is_50035(good: Payload, bad: Payload, where: str) -> None:
    check_message(good, {})
    with pytest.raises(ApiError) as caught:
        check_message(bad, {})
    assert (caught.value.status, caught.value.body["code"], caught.value.body["message"]) == (
        400,
        50035,
        "Invalid Form Body",
    )
    assert where in str(caught.value.body["errors"])


def test_an_empty_message_is_50006_and_a_large_file_is_40005() -> None:
    with pytest.raises(ApiError, match="50006"):
        check_message({"content": ""}, {})
    check_message({}, {"a": bytes(10 * 1024 * 1024)})
    with pytest.raises(ApiError, match="40005"):
        check_message({}, {"a": bytes(10 * 1024 * 1024 + 1)})
    with pytest.raises(ApiError, match="40005"):
        check_message({}, {name: bytes(9 * 1024 * 1024) for name in "abc"})


def modal(component: Payload | None = None, label: str = "l", **fields: Any) -> Payload:
    inner = component or {"type": 4, "custom_id": "t", "style": 1}
    return {"title": "t", "custom_id": "c", "components": [{"type": 18, "label": label, "component": inner}]} | fields


def command(**fields: Any) -> Payload:
    return {"name": "ask", "description": "d", "type": 1} | fields


def option(**fields: Any) -> Payload:
    return {"name": "o", "description": "d", "type": 3} | fields


def commands(number: int, kind: int = 1) -> list[Payload]:
    return [command(name=f"c{one}", type=kind) for one in range(number)]


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (check_modal, modal(title="x" * 45), modal(title="x" * 46)),
        (check_modal, modal(custom_id="x" * 100), modal(custom_id="x" * 101)),
        (check_modal, modal(label="x" * 45), modal(label="x" * 46)),
        (
            check_modal,
            modal({"type": 4, "custom_id": "t", "value": "x" * 4000}),
            modal({"type": 4, "custom_id": "t", "value": "x" * 4001}),
        ),
        (
            check_modal,
            modal({"type": 4, "custom_id": "t", "max_length": 4000}),
            modal({"type": 4, "custom_id": "t", "max_length": 4001}),
        ),
        (check_modal, modal(components=[text("x")] * 5), modal(components=[text("x")] * 6)),
        (check_modal, modal(select()), modal(button())),
        (check_choices, [{"name": "x", "value": "x"}] * 25, [{"name": "x", "value": "x"}] * 26),
        (check_choices, [{"name": "x" * 100, "value": 1}], [{"name": "x" * 101, "value": 1}]),
        (check_choices, [{"name": "x", "value": "x" * 100}], [{"name": "x", "value": "x" * 101}]),
        (check_commands, commands(100), commands(101)),
        (check_commands, commands(15, kind=3), commands(16, kind=3)),
        (check_commands, [command(name="x" * 32)], [command(name="x" * 33)]),
        (check_commands, [command(name="ask")], [command(name="Ask")]),
        (check_commands, commands(2), [command(), command()]),
        (check_commands, [command(description="x" * 100)], [command(description="x" * 101)]),
        (check_commands, [command(options=[option()] * 25)], [command(options=[option()] * 26)]),
        (
            check_commands,
            [command(options=[option(required=True), option()])],
            [command(options=[option(), option(required=True)])],
        ),
        (
            check_commands,
            [command(options=[option(choices=[{"name": "x" * 95, "value": "x" * 95}] * 20)] * 2)],
            [command(options=[option(choices=[{"name": "x" * 100, "value": "x" * 100}] * 21)] * 2)],
        ),
    ],
)
def test_modals_choices_and_commands_have_their_limits(check: Callable[[Any], None], good: Any, bad: Any) -> None:
    check(good)
    with pytest.raises(ApiError, match="50035"):
        check(bad)


async def test_the_client_reads_the_error_and_an_edit_is_checked_too() -> None:
    async with LocalDiscord() as server:
        channel = server.guild().channel("papers")
        client = discord.Client(intents=discord.Intents.none(), connector=server.connector())
        async with client:
            await client.login(server.token)
            place = client.get_partial_messageable(channel.id)
            with pytest.raises(discord.HTTPException, match="In content: Must be 2000 or fewer in length"):
                await place.send("x" * 2001)
            sent = await place.send("x")
            with pytest.raises(discord.HTTPException, match="2000"):
                await sent.edit(content="x" * 2001)
            layout = ui.LayoutView()
            layout.add_item(ui.TextDisplay("hello"))
            with pytest.raises(discord.HTTPException, match="IS_COMPONENTS_V2"):
                await sent.edit(view=layout)
            edited = await sent.edit(content=None, embeds=[], view=layout)
            assert channel.bot_messages[0].text == "hello"
            with pytest.raises(discord.HTTPException, match="IS_COMPONENTS_V2"):
                await edited.edit(content="back to words", view=None)


async def test_a_wrong_or_missing_token_is_401_everywhere_else() -> None:
    async with LocalDiscord() as server, aiohttp.ClientSession(connector=server.connector()) as session:
        for headers in ({}, {"Authorization": "Bot wrong"}):
            async with session.get("https://discord.com/api/v10/users/@me", headers=headers) as reply:
                assert (reply.status, reply.headers["Content-Type"]) == (401, "application/json")


NOTHING: Payload = {"parse": []}


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, {"@everyone", "@here", "<@1>", "<@&2>", "<@9>"}),
        (NOTHING, set()),
        ({}, set()),
        ({"parse": ["everyone"]}, {"@everyone", "@here"}),
        ({"parse": ["users"]}, {"<@1>"}),
        ({"parse": ["roles"]}, {"<@&2>"}),
        ({"users": ["1"]}, {"<@1>"}),
        ({"users": [3], "roles": [2]}, {"<@&2>"}),
        ({"replied_user": True}, {"<@9>"}),
    ],
)
def test_only_allowed_mentions_ping(allowed: Payload | None, expected: set[str]) -> None:
    assert pings("@everyone @here <@!1> <@&2>", allowed, replied_to=9) == expected


@given(st.text())
def test_nothing_pings_when_nothing_is_allowed(said: str) -> None:
    assert not pings(f"@everyone {said} <@1>", NOTHING, replied_to=1)


def test_links_are_found_without_the_punctuation_around_them() -> None:
    said = "[a](https://a.example/x_(y)), <https://b.example>. **https://c.example/z**"
    assert links(said, [], []) == ["https://a.example/x_(y)", "https://b.example", "https://c.example/z"]
