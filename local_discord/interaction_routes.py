"""The routes of application commands and interactions: registration, responses, follow-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .channels import Message
from .errors import ApiError, unknown_message
from .interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT
from .limits import EPHEMERAL, LOADING, check_choices, check_commands, check_modal
from .message_bodies import compose, revise
from .router import Routes

if TYPE_CHECKING:
    from .interactions import Interaction
    from .router import Call
    from .world import World

Payload = dict[str, Any]
routes = Routes()

KINDS = {4: "message", 5: "deferred", 6: "deferred update", 7: "update", 8: "choices", 9: "modal"}
ALLOWED_KINDS = {
    COMMAND: (4, 5, 9),
    COMPONENT: (4, 5, 6, 7, 9),
    AUTOCOMPLETE: (8,),
    MODAL_SUBMIT: (4, 5, 6, 7),
}
MAY_READ = 1 << 19  # the flag to read messages, for an application in few servers


@routes("GET /oauth2/applications/@me", "GET /applications/@me")
def application(world: World, call: Call) -> Payload:
    about = {
        "id": str(world.application_id),
        "name": world.bot.name,
        "description": "",
        "icon": None,
        "flags": MAY_READ if world.message_content else 0,
    }
    about |= {"bot_public": True, "bot_require_code_grant": False, "verify_key": "0" * 64, "summary": ""}
    return about | {
        "owner": world.bot.payload() | {"id": "1", "username": "owner", "bot": False},
        "bot": world.bot.payload(),
    }


@routes("GET /applications/{}/commands", "GET /applications/{}/guilds/{}/commands")
def list_commands(world: World, call: Call, application_id: str, guild_id: str | None = None) -> list[Payload]:
    return world.commands.get(int(guild_id) if guild_id else None, [])


@routes("PUT /applications/{}/commands", "PUT /applications/{}/guilds/{}/commands")
def overwrite_commands(world: World, call: Call, application_id: str, guild_id: str | None = None) -> list[Payload]:
    scope = int(guild_id) if guild_id else None
    check_commands(call.body)
    known = {(one["name"], one["type"]): one for one in world.commands.get(scope, [])}
    stored = []
    for command in call.body:
        wanted: Payload = {"type": 1, "description": ""} | {key: command[key] for key in command if key != "id"}
        before = known.get((wanted["name"], wanted["type"]), {})
        same = wanted.items() <= before.items()
        ids = {
            "id": before.get("id") or str(world.clock.snowflake()),
            "application_id": str(world.application_id),
        }
        ids |= {"version": before["version"] if same else str(world.clock.snowflake())}
        stored.append(wanted | ids | ({"guild_id": guild_id} if guild_id else {}))
    world.commands[scope] = stored
    world.command_syncs.append(scope)
    return stored


@routes("POST /interactions/{}/{}/callback", public=True)
def respond(world: World, call: Call, interaction_id: str, token: str) -> Payload | None:
    interaction, now = world.interactions.get(token), world.clock.now()
    late = (
        interaction and not interaction.kind and now - interaction.created > world.interaction_deadline.total_seconds()
    )
    if interaction is None or late:
        if interaction:
            interaction.refused = f"answered after {now - interaction.created:.2f} s"
        raise ApiError(404, 10062, "Unknown interaction")
    if interaction.kind:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    kind, data = call.body["type"], call.body.get("data") or {}
    if kind not in ALLOWED_KINDS[interaction.type]:
        raise ApiError(400, 50035, "Invalid Form Body", {"type": {"_errors": [{"code": "INTERACTION_TYPE_INVALID"}]}})
    message = _carry_out(world, call, interaction, kind, data)
    interaction.kind, interaction.answered_after = KINDS[kind], now - interaction.created
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return None
    state: Payload = {"id": interaction_id, "type": interaction.type}
    resource: Payload = {"type": kind}
    if message:
        state |= {"response_message_id": str(message.id), "response_message_ephemeral": message.ephemeral}
        state |= {"response_message_loading": message.loading}
        resource["message"] = message.payload()
    return {"interaction": state, "resource": resource}


def _carry_out(world: World, call: Call, interaction: Interaction, kind: int, data: Payload) -> Message | None:
    if kind == 8:
        check_choices(data.get("choices") or [])
        interaction.choices = data.get("choices") or []
    elif kind == 9:
        check_modal(data)
        interaction.modal = data
    elif kind == 4:
        interaction.original = _say(world, call, interaction, data)
        interaction.ephemeral = interaction.original.ephemeral
    elif kind == 5:
        interaction.deferred = True
        interaction.ephemeral = bool((data.get("flags") or 0) & EPHEMERAL)
        flags = LOADING | (EPHEMERAL if interaction.ephemeral else 0)
        silent = world.version({"allowed_mentions": {}}, None)
        waiting = Message(world, world.clock.snowflake(), interaction.channel, world.bot, [silent], flags=flags)
        interaction.original = _post(world, interaction, waiting)
    elif interaction.message is None:
        raise ApiError(400, 50035, "Invalid Form Body", {"type": {"_errors": [{"code": "NO_MESSAGE_TO_UPDATE"}]}})
    elif kind == 7:
        return revise(world, call, interaction.message, data)
    else:
        interaction.deferred = True
    return interaction.original


@routes("POST /webhooks/{}/{}", public=True)
def follow_up(world: World, call: Call, application_id: str, token: str) -> Payload:
    interaction = _alive(world, token)
    if interaction.original and interaction.original.loading:
        # Discord puts the first follow-up in place of "is thinking…".
        return _fill(world, call, interaction.original).payload()
    message = _say(world, call, interaction, call.body)
    interaction.followups.append(message)
    return message.payload()


@routes("GET /webhooks/{}/{}/messages/{}", public=True)
def get_answer(world: World, call: Call, application_id: str, token: str, message_id: str) -> Payload:
    return _own(world, token, message_id).payload()


@routes("PATCH /webhooks/{}/{}/messages/{}", public=True)
def edit_answer(world: World, call: Call, application_id: str, token: str, message_id: str) -> Payload:
    return _fill(world, call, _own(world, token, message_id)).payload()


@routes("DELETE /webhooks/{}/{}/messages/{}", public=True)
def delete_answer(world: World, call: Call, application_id: str, token: str, message_id: str) -> None:
    world.remove(_own(world, token, message_id))


def _say(world: World, call: Call, interaction: Interaction, body: Payload) -> Message:
    return _post(world, interaction, compose(world, call, interaction.channel, body, ephemeral_allowed=True))


def _post(world: World, interaction: Interaction, message: Message) -> Message:
    message.interaction, message.viewer = interaction.metadata(), interaction.user if message.ephemeral else None
    return world.post(message)


def _fill(world: World, call: Call, message: Message) -> Message:
    thinking = message.flags & LOADING
    edited = revise(world, call, message, call.body)
    if thinking:
        # What people saw before was not a version of the answer.
        del message.versions[0]
        world.journal.note(f"answered: {message!r}")
    return edited


def _alive(world: World, token: str) -> Interaction:
    interaction = world.interactions.get(token)
    if interaction is None or interaction.kind is None:
        raise ApiError(404, 10015, "Unknown Webhook")
    if world.clock.now() - interaction.created > world.interaction_lifetime.total_seconds():
        raise ApiError(401, 50027, "Invalid Webhook Token")
    return interaction


def _own(world: World, token: str, message_id: str) -> Message:
    interaction = _alive(world, token)
    original = interaction.original
    if interaction.kind in ("update", "deferred update"):
        original = interaction.message
    for message in [original, *interaction.followups]:
        if (
            message
            and not message.deleted
            and (str(message.id) == message_id or (message_id == "@original" and message is original))
        ):
            return message
    raise unknown_message()
