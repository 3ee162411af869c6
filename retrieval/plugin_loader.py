"""Plugins: sources, embedding models and writers of other packages, each found by its entry point."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from retrieval.errors import FootnoteError

SOURCES: Final = "footnote.sources"
EMBEDDERS: Final = "footnote.embedders"
WRITERS: Final = "footnote.writers"


class PluginError(FootnoteError):
    """Say which plugin cannot be used, and why."""


def plugin_names(group: str) -> tuple[str, ...]:
    """Return the names of the plugins that are installed, in order."""
    return tuple(sorted(entry_points(group=group).names))


def make_plugin(group: str, name: str, *arguments: object, needs: tuple[str, ...]) -> Any:  # noqa: ANN401  # a plugin's own class
    """Load a plugin and return what it makes of the arguments, which has the attributes that are needed.

    Raises PluginError where it is not installed, cannot be imported, fails, or makes something else.
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
    """Return the sentence on a plugin that failed while it worked."""
    return f'The plugin "{name}" failed ({_reason(error)}); mend it, or do without it.'


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())[:200].rstrip(".")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
