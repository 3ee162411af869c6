"""Write docs/settings.md and docs/commands.md from the code: `uv run python docs/make_reference.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer.main

from bot.cli import app
from bot.settings import PREFIX, Section, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

DOCS: Final = Path(__file__).parent
# How the command line names the kinds of values, and how a reader does.
KINDS: Final = {"int": "NUMBER", ("path", "file"): "PATH"}

SETTINGS: Final = """\
# Settings

Set them as environment variables, or in a file `.env` in the folder in which Footnote is started. A variable goes
before the file, and an option of a command before both. A name that Footnote does not know is refused, with the nearest
one that it knows. `footnote doctor` says whether all of them fit, and `footnote setup` writes the usual ones.

[.env.example](../.env.example) holds them all, with an example of each that needs one. This page is written by
`uv run python docs/make_reference.py` from the code.
"""

COMMANDS: Final = """\
# Commands

`footnote COMMAND --help` says what stands here. Results go to standard output, progress and logs to standard error.
Exit codes: 0 done, 1 failed with a sentence, 2 wrong usage, 130 interrupted. `--verbose` may stand anywhere.
`footnote` stands for `uv run footnote` in a clone, and for `docker compose run --rm footnote` with Docker.

This page is written by `uv run python docs/make_reference.py` from the code.
"""


def main() -> None:
    """Write both pages."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")


def pages() -> Mapping[str, str]:
    """Write the text of both pages, by file name."""
    return {"settings.md": settings_page(), "commands.md": commands_page()}


def settings_page() -> str:
    """Write a table of the settings outside sections, and one for each section."""
    alone: list[tuple[str, FieldInfo]] = []
    sections: list[tuple[str, type[Section]]] = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            sections.append((name, kind))
        else:
            alone.append((f"{PREFIX}{name}".upper(), field))
    parts = [SETTINGS, "\n## General\n\n", _table(alone)]
    for name, kind in sections:
        fields = [(f"{PREFIX}{name}__{key}".upper(), field) for key, field in kind.model_fields.items()]
        parts += [f"\n## {PREFIX}{name.upper()}__…\n\n{kind.__doc__}\n\n", _table(fields)]
    return "".join(parts)


def _table(fields: list[tuple[str, FieldInfo]]) -> str:
    rows = ["| setting | default | what it says |\n| --- | --- | --- |\n"]
    for name, field in fields:
        default = field.get_default(call_default_factory=True)
        shown = "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        told = " ".join(filter(None, [field.description, _bounds(field)]))
        rows.append(f"| `{name}` | {shown} | {_cell(told)} |\n")
    return "".join(rows)


def _bounds(field: FieldInfo) -> str:
    """Say how small and how large a number may be."""
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    bounds = [(said, getattr(each, name, None)) for name, said in words.items() for each in field.metadata]
    told = ", ".join(f"{said} {bound}" for said, bound in bounds if bound is not None)
    return f"{told.capitalize()}." if told else ""


def commands_page() -> str:
    """Write a section for each command; one in a group has the group's name in front."""
    return COMMANDS + "".join(_section(path, command) for path, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its whole name."""
    root = typer.main.get_command(app)
    yield from _within("footnote", root)


def _within(path: str, group: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # Typer brings a Click of its own
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _within(f"{path} {name}", command)
        else:
            yield f"{path} {name}", command


def _section(path: str, command: Any) -> str:  # noqa: ANN401
    context = command.context_class(command, info_name=path)
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *map(_place, arguments)])
    rows = [(f"`{_place(each)}`", each.help or "") for each in arguments]
    rows += [(_flags(each, context), _told(each)) for each in options]
    parts = [f"\n## {path}\n\n{command.help}\n\n```text\n{usage}\n```\n"]
    if rows:
        parts += ["\n| | |\n| --- | --- |\n", *(f"| {name} | {_cell(told)} |\n" for name, told in rows)]
    if example := (command.epilog or "").removeprefix("Example: "):
        parts.append(f"\n```bash\n{example}\n```\n")
    return "".join(parts)


def _place(argument: Any) -> str:  # noqa: ANN401
    """Write an argument as in a usage line: in brackets if it is optional, with dots if it repeats."""
    name = (argument.metavar or argument.name).strip("[].").upper()
    dots = "…" if argument.nargs < 0 else ""
    return f"{name}{dots}" if argument.required else f"[{name}{dots}]"


def _flags(option: Any, context: Any) -> str:  # noqa: ANN401
    """Write an option's names, followed by the kind of value that it takes."""
    names = " or ".join(f"`{each}`" for each in [*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    _, _, kind = option.get_help_record(context)[0].partition("<")
    word = next((word for kinds, word in KINDS.items() if kind.startswith(kinds)), "TEXT")
    return f"{names} {option.metavar or word}"


def _told(option: Any) -> str:  # noqa: ANN401
    shown = option.show_default if isinstance(option.show_default, str) else option.default
    told = [option.help or ""]
    if option.required:
        told.append("Needed.")
    elif shown not in {None, False, ""} and not option.is_flag:
        told.append(f"Default: {shown}.")
    if option.multiple:
        told.append("May be given several times.")
    return " ".join(told)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
