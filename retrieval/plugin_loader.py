"""Plugins: sources, embedding models and writers of other packages, found by their entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from retrieval.errors import FootnoteError

SOURCES: Final = "footnote.sources"
EMBEDDERS: Final = "footnote.embedders"
WRITERS: Final = "footnote.writers"


class PluginError(FootnoteError):
    """A plugin cannot be used; the message says which and why."""


def plugin_names(group: str) -> tuple[str, ...]:
    """The names of the installed plugins, sorted."""
    return tuple(sorted(entry_points(group=group).names))


def make_plugin(group: str, name: str, *arguments: object, needs: tuple[str, ...]) -> Any:  # noqa: ANN401  # a plugin's own class
    """Load a plugin, call it with the arguments, and check that the result has the needed attributes.

    Raises PluginError if it is not installed, cannot be imported, fails, or returns something else.
    """
    found = entry_points(group=group, name=name)
    if not found:
        some = ", ".join(plugin_names(group)) or "none"
        raise PluginError(
            f'No plugin "{name}" is installed in the group {group}, which has {some}; install its package.'
        )
    entry = next(iter(found))
    package = f" of the package {entry.dist.name}" if entry.dist else ""
    try:
        made = entry.load()(*arguments)
        if missing := [attribute for attribute in needs if not hasattr(made, attribute)]:
            raise AttributeError(f"what it makes has no {missing[0]}")  # noqa: TRY301  # said like what it raises itself
    except FootnoteError:
        raise
    except Exception as error:
        sentence = f'The plugin "{name}"{package} cannot be used ({_reason(error)}); mend it, or uninstall it.'
        raise PluginError(sentence) from error
    return made


def failed(name: str, error: Exception) -> str:
    """The error message for a plugin that failed while working."""
    return f'The plugin "{name}" failed ({_reason(error)}); mend it, or do without it.'


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())[:200].rstrip(".")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
