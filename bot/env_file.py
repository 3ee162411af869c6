"""Write settings into .env, leaving everything else in it unchanged and the file readable only by the user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values, set_key

from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def write_env_file(path: Path, values: Mapping[str, str | None]) -> None:
    """Set names in the file, all of them or none; None empties a name that is already there.

    Raises SettingsError if the file cannot be written.
    """
    target = path.resolve()  # follows a symbolic link
    try:
        text = target.read_text(encoding="utf-8-sig") if target.exists() else ""
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".env-")
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            known = dotenv_values(draft)
            for key, value in values.items():
                if value is not None or key in known:
                    set_key(draft, key, value or "", quote_mode="auto" if value else "never")
            draft.replace(target)  # mkstemp made it readable only by the user
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or error}.") from error
