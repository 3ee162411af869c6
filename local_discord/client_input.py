"""What a person's client sends of what they type, pick and fill in; it refuses what is not offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .components import ACTION_ROW, LABEL, TEXT_INPUT
from .errors import ImpossibleError, demand

if TYPE_CHECKING:
    from .channels import Channel, Message
    from .guilds import Role
    from .users import User

Payload = dict[str, Any]
SUBCOMMANDS = (1, 2)
CONVERT = {3: str, 4: int, 5: bool, 10: float}


def command_options(definition: Payload, path: list[str], given: dict[str, Any], focus: str | None) -> list[Payload]:
    """Build the options of a command, and of the subcommands on the way to it; ``focus`` is the one being typed."""
    known = {one["name"]: one for one in definition.get("options") or []}
    if path:
        demand(path[0] in known, f"/{definition['name']} has no subcommand {path[0]!r}, only {list(known)}")
        inner = known[path[0]]
        return [{"name": path[0], "type": inner["type"], "options": command_options(inner, path[1:], given, focus)}]
    demand(not any(one["type"] in SUBCOMMANDS for one in known.values()), f"Name a subcommand of {list(known)}")
    demand(set(given) <= set(known), f"/{definition['name']} has the options {list(known)}, not {list(given)}")
    missing = [name for name, one in known.items() if one.get("required") and name not in given]
    demand(focus or not missing, f"Discord would not send /{definition['name']} without {missing}")
    return [_option(known[name], value, focused=name == focus) for name, value in given.items() if value is not None]


def _option(option: Payload, value: Any, *, focused: bool) -> Payload:
    named = {choice["name"]: choice["value"] for choice in option.get("choices") or []}
    value = named.get(value, value) if isinstance(value, str) else value
    demand(not named or value in named.values(), f"{option['name']!r} offers {list(named)}, not {value!r}")
    if hasattr(value, "id"):
        value = str(value.id)
    elif not focused:
        value = CONVERT[option["type"]](value)
        size = len(value) if isinstance(value, str) else value
        least, most = (
            option.get("min_length", option.get("min_value")),
            option.get("max_length", option.get("max_value")),
        )
        allowed = (least is None or size >= least) and (most is None or size <= most)
        demand(allowed, f"Discord would not send {option['name']}={value!r}: it takes {least} to {most}")
    sent = {"name": option["name"], "type": option["type"], "value": value}
    return sent | ({"focused": True} if focused else {})


def named_part(message: Message, name: str, kinds: tuple[int, ...]) -> Payload:
    """Find the part with this label, custom_id or placeholder; raise ImpossibleError if there is none to use."""
    parts = [part for part in message.parts() if part["type"] in kinds]
    for part in parts:
        if name in (part.get("label"), part.get("custom_id"), part.get("placeholder")):
            demand(not part.get("disabled"), f"{name!r} is disabled on {message!r}")
            return part
    offered = [part.get("label") or part.get("placeholder") or part.get("custom_id") for part in parts]
    raise ImpossibleError(f"There is no {name!r} on {message!r}, only {offered}")


def chosen_values(select: Payload, picks: tuple[str | User | Role | Channel, ...]) -> list[str]:
    """List the values that a select sends for what is picked, by label, value or thing."""
    values = [option["value"] for option in select.get("options") or []]
    labels = {option["label"]: option["value"] for option in select.get("options") or []}
    picked = [labels.get(pick, pick) if isinstance(pick, str) else str(pick.id) for pick in picks]
    demand(not values or set(picked) <= set(values), f"The select offers {list(labels)}, not {picks}")
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    demand(least <= len(picked) <= most, f"The select takes {least} to {most} choices")
    return picked


def filled_part(part: Payload, answers: dict[str, Any]) -> Payload:
    """Fill in a part of a modal, taking its answer out of ``answers``."""
    if part["type"] == ACTION_ROW:
        return {
            "type": ACTION_ROW,
            "components": [_answer(one, one["label"], answers) for one in part["components"]],
        }
    if part["type"] == LABEL:
        return {"type": LABEL, "component": _answer(part["component"], part["label"], answers)}
    return {"type": part["type"]}


def _answer(field_: Payload, label: str, answers: dict[str, Any]) -> Payload:
    default = field_.get("value", "") if field_["type"] == TEXT_INPUT else []
    answer = answers.pop(label, answers.pop(field_["custom_id"], default))
    demand(answer or not field_.get("required", True), f"{label!r} must be filled in")
    sent: Payload = {"type": field_["type"], "custom_id": field_["custom_id"]}
    if field_["type"] == TEXT_INPUT:
        least, most = field_.get("min_length") or 0, field_.get("max_length") or 4000
        demand(not answer or least <= len(answer) <= most, f"{label!r} takes {least} to {most} characters")
        return sent | {"value": answer}
    picks = (answer,) if isinstance(answer, str) else tuple(answer)
    return sent | {"values": chosen_values(field_, picks) if picks else []}
