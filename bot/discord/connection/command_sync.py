"""Register the commands with Discord only when they have changed: Discord allows 200 new commands a day."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from discord import app_commands

log = logging.getLogger(__name__)

FILE_NAME = "discord-commands.json"


class CommandsFile:
    """A small file that records which commands are registered with Discord, for which application."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, object] | None:
        """Load the record; None if there is none or it cannot be read."""
        try:
            saved = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return saved if isinstance(saved, dict) else None

    def save(self, record: dict[str, object]) -> None:
        """Write the record atomically."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(record) + "\n", encoding="utf-8")
        draft.replace(self._path)


async def sync_if_changed(tree: app_commands.CommandTree[Any], file: CommandsFile) -> None:
    """Register the tree's global commands unless Discord has them; after a failure, the next start tries again."""
    wanted: dict[str, object] = {
        "application_id": tree.client.application_id,
    }
    try:
        wanted["fingerprint"] = await fingerprint(tree)
        if await asyncio.to_thread(file.load) == wanted:
            log.info("commands unchanged")
            return
        synced = await tree.sync()
        await asyncio.to_thread(file.save, wanted)
    except Exception:
        log.exception("commands not synced")
    else:
        log.info("commands synced count=%d", len(synced))


async def fingerprint(tree: app_commands.CommandTree[Any]) -> str:
    """Hash what the tree would send to Discord, in all languages."""
    commands = [await _payload(command, tree) for command in tree.get_commands()]
    payload = sorted(json.dumps(command, sort_keys=True) for command in commands)
    return hashlib.sha256("\n".join(payload).encode()).hexdigest()


async def _payload(command: Any, tree: app_commands.CommandTree[Any]) -> dict[str, Any]:  # noqa: ANN401
    translator = tree.translator
    payload: dict[str, Any] = (
        await command.get_translated_payload(tree, translator) if translator else command.to_dict(tree)
    )
    return payload
