"""Write docs/schemas/: JSON Schemas of what `footnote ask --json` and `footnote search --json` print.

Run it with `uv run python docs/make_schemas.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from bot.answering.answer_json import AnswerJson
from bot.commands.search import FoundJson

FOLDER: Final = Path(__file__).with_name("schemas")
PRINTED: Final[dict[str, Any]] = {"ask": AnswerJson, "search": list[FoundJson]}


def schema(command: str) -> str:
    """Write the JSON schema of what a command prints."""
    made = TypeAdapter(PRINTED[command]).json_schema()
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"footnote {command} --json"}
    return json.dumps({**made, **about}, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for command in PRINTED:
        (FOLDER / f"{command}.json").write_text(schema(command), encoding="utf-8")
