"""The JSON schema of a pydantic model as strict servers want it: all fields required, nothing extra, no references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import BaseModel

# Keywords that describe without constraining, and that some servers refuse.
_LEFT_OUT: Final = ("title", "description", "default", "$defs")


def strict(form: type[BaseModel]) -> dict[str, Any]:
    """Build the schema of replies in this form."""
    schema = form.model_json_schema()
    found: dict[str, Any] = _strict(schema, schema.get("$defs", {}))
    return found


def _strict(node: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - a schema is JSON
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rpartition("/")[2]], definitions)
    strict = {name: _strict(value, definitions) for name, value in node.items() if name not in _LEFT_OUT}
    if "properties" in node:
        # By name: a field itself may be called "title".
        strict["properties"] = {name: _strict(value, definitions) for name, value in node["properties"].items()}
        strict |= {"required": list(strict["properties"]), "additionalProperties": False}
    return strict
