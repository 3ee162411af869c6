"""Find the people whom a message mentions, and those whom it notifies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .errors import Form

USER = re.compile(r"<@!?(\d+)>")
ROLE = re.compile(r"<@&(\d+)>")
EVERYONE = re.compile(r"@(?:everyone|here)\b")


def pings(text: str, allowed: dict[str, Any] | None, replied_to: int | None) -> frozenset[str]:
    """Collect every mention that notifies somebody, as written: ``@everyone``, ``<@1>``, ``<@&2>``.

    Without ``allowed``, all of them notify, and so does replying. Mentions in code blocks count, as a test should
    rather fail than miss a ping.
    """
    parse = {"everyone", "roles", "users"} if allowed is None else set(allowed.get("parse") or [])
    users = _ids(allowed, "users")
    roles = _ids(allowed, "roles")
    found: set[str] = set()
    if "everyone" in parse:
        found.update(EVERYONE.findall(text))
    found.update(f"<@{user}>" for user in USER.findall(text) if "users" in parse or int(user) in users)
    found.update(f"<@&{role}>" for role in ROLE.findall(text) if "roles" in parse or int(role) in roles)
    if replied_to is not None and (allowed is None or allowed.get("replied_user")):
        found.add(f"<@{replied_to}>")
    return frozenset(found)


def check_allowed_mentions(form: Form, allowed: dict[str, Any] | None) -> None:
    """Refuse ``parse: [users]`` together with a list of users, and lists of more than 100."""
    for kind in ("users", "roles"):
        listed = (allowed or {}).get(kind) or []
        if listed and kind in ((allowed or {}).get("parse") or []):
            form.wrong(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f"parse and {kind} exclude each other",
            )
        form.count(f"allowed_mentions.{kind}", len(listed), 0, 100)


def _ids(allowed: dict[str, Any] | None, kind: str) -> Iterable[int]:
    return {int(one) for one in (allowed or {}).get(kind) or []}
