"""The bot's messages, made and edited as the bodies of its requests say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .channels import Message
from .errors import Form
from .limits import COMPONENTS_V2, EPHEMERAL, LOADING, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, check_message
from .message_parts import Version

if TYPE_CHECKING:
    from .channels import Channel
    from .router import Call
    from .world import World

Payload = dict[str, Any]
CHOSEN_BY_SENDER = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2


def compose(world: World, call: Call, channel: Channel, body: Payload, *, ephemeral_allowed: bool = False) -> Message:
    """Build the bot's message from a request body, or refuse it."""
    check_message(body, call.files)
    reference = body.get("message_reference") or {}
    answered = channel.messages.get(int(reference.get("message_id", 0)))
    if reference and not answered and reference.get("fail_if_not_exists", True):
        form = Form()
        form.wrong("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        form.check()
    made = Message(
        world,
        world.clock.snowflake(),
        channel,
        world.bot,
        [world.version(body, answered.author if answered else None)],
        world.attach(channel, call.files, body.get("attachments") or []),
        (body.get("flags") or 0) & (CHOSEN_BY_SENDER | (EPHEMERAL if ephemeral_allowed else 0)),
        reply_to=answered,
        replied_id=answered.id if answered else None,
        nonce=body.get("nonce"),
    )
    call.message = made
    return made


def revise(world: World, call: Call, message: Message, body: Payload) -> Message:
    """Edit the bot's message, or refuse it; without ``allowed_mentions`` everything notifies again."""
    now, flags = message.versions[-1], body.get("flags")
    if flags is not None and message.is_v2 and not flags & COMPONENTS_V2:
        form = Form()
        form.wrong("flags", "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", "IS_COMPONENTS_V2 cannot be removed")
        form.check()
    wanted = message.flags if flags is None else message.flags | (flags & (SUPPRESS_EMBEDS | COMPONENTS_V2))
    attachments = message.attachments
    if "attachments" in body:
        ids = {str(one.get("id")) for one in body["attachments"] or []}
        attachments = [one for one in message.attachments if str(one.id) in ids]
    after: Payload = {
        "content": now.content,
        "embeds": now.embeds,
        "components": now.components,
        "flags": wanted,
    }
    after |= {key: body[key] for key in ("content", "embeds", "components", "allowed_mentions") if key in body}
    check_message(after | {"attachments": [one.payload() for one in attachments]}, call.files)
    version = world.version(after, message.reply_to.author if message.reply_to else None)
    if "content" not in body and not (wanted & COMPONENTS_V2 and "components" in body):
        version = Version(version.content, version.embeds, version.components, now.pings, version.time)
    message.flags = wanted & ~LOADING
    message.attachments = attachments + world.attach(message.channel, call.files, body.get("attachments") or [])
    call.message = message
    return world.rewrite(message, version)
