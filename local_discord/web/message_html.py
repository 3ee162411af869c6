"""A message as HTML, as Discord's own client shows it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

import discord

from local_discord import plain_text
from local_discord.interactions import COMMAND

from .component_html import Components
from .rich_text import to_html

if TYPE_CHECKING:
    from local_discord.channels import Message

    from .scene import Scene

_SNIPPET: Final = 90


def message_html(message: Message, scene: Scene) -> str:
    """Draw a message as one viewer sees it in its channel."""
    key = f"m{message.id}"
    files = {attachment.filename: attachment.path for attachment in message.attachments}
    parts = Components(scene, files, key)
    moment = discord.utils.snowflake_time(message.id)
    name = html.escape(message.author.name)
    badge = ' <span class="app">APP</span>' if message.author.bot else ""
    bot = " bot" if message.author.bot else ""
    edited = '<span class="edited">(edited)</span>' if message.edits and not message.author.bot else ""
    return (
        f'<article class="message{bot}" id="{key}" data-message="{message.id}" tabindex="-1"'
        f' aria-labelledby="{key}-who">'
        f"{_above(message, scene)}"
        f'<div class="face" aria-hidden="true">{name[:1].upper()}</div><div class="body">'
        f'<div class="who" id="{key}-who"><span class="name">{name}</span>{badge} '
        f'<time datetime="{moment.isoformat()}">{moment.astimezone():%H:%M}</time></div>'
        f"{_content(message, scene)}{edited}{parts.drawn(message.components)}{_files(message)}{_below(message)}"
        f'</div><div class="tools"><button type="button" aria-haspopup="menu" aria-expanded="false" data-menu'
        f' data-key="menu" aria-label="Actions for the message of {name}">⋯</button></div></article>'
    )


def words_of(message: Message, scene: Scene) -> str:
    """Write what a screen reader says about a new message: its texts, without its buttons."""
    if message.loading:
        return f"{message.author.name} is thinking"
    shown = [message.content, plain_text.displayed_text(message.components)]
    shown += [embed.get("description") or "" for embed in message.embeds]
    text = " ".join(to_html("\n".join(filter(None, shown)), scene).split())
    return f"{message.author.name}: {_without_tags(text)}"


def _above(message: Message, scene: Scene) -> str:
    """Draw the line above: what the message replies to, or which command it answers."""
    if message.replied_id:
        answered = message.reply_to
        if answered is None or answered.deleted:
            return '<div class="above">Original message was deleted</div>'
        text = _without_tags(to_html(answered.content or plain_text.displayed_text(answered.components), scene))
        short = html.escape(text if len(text) <= _SNIPPET else f"{text[:_SNIPPET]}…")
        return f'<div class="above"><b>@{html.escape(answered.author.name)}</b> {short}</div>'
    used = message.interaction
    if used and used.type == COMMAND:
        return (
            f'<div class="above"><b>{html.escape(used.user.name)}</b> used'
            f' <span class="mention">{html.escape(used.name)}</span></div>'
        )
    return ""


def _content(message: Message, scene: Scene) -> str:
    if message.loading:
        return f'<p class="thinking">{html.escape(message.author.name)} is thinking…</p>'
    shown = f'<div class="content">{to_html(message.content, scene)}</div>' if message.content else ""
    for embed in message.embeds:
        title = f"<p><b>{html.escape(embed['title'])}</b></p>" if embed.get("title") else ""
        shown += f'<div class="container">{title}{to_html(embed.get("description") or "", scene)}</div>'
    return shown


def _files(message: Message) -> str:
    shown = str(message.components)
    left = [attachment for attachment in message.attachments if f"attachment://{attachment.filename}" not in shown]
    return "".join(
        f'<a class="file" href="{html.escape(attachment.path)}" download>{html.escape(attachment.filename)}</a>'
        for attachment in left
    )


def _below(message: Message) -> str:
    shown = "".join(
        f'<span class="reaction">{html.escape(emoji)} {len(users)}</span>'
        for emoji, users in message.reactions.items()
        if users
    )
    if message.ephemeral:
        shown += (
            '<div class="alone"><span aria-hidden="true">👁</span> Only you can see this · '
            '<button type="button" class="plain" data-dismiss data-key="dismiss">Dismiss message</button></div>'
        )
    if message.thread:
        name = html.escape(message.thread.name)
        shown += (
            f'<button type="button" class="opened" data-go="{message.thread.id}" data-key="thread"><b>{name}</b>'
            " <span>See thread ›</span></button>"
        )
    return shown


def _without_tags(text: str) -> str:
    parts = [part.partition(">")[2] for part in ("x>" + text).split("<")]
    return html.unescape(" ".join("".join(parts).split()))
