"""Discord's Markdown as HTML: what its clients render in messages, and nothing else."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from babel.dates import format_datetime, format_timedelta
from markdown_it import MarkdownIt
from markdown_it.token import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

_TAG: Final = re.compile(r"<(?:(@[!&]?|#)(\d+)|/([^:<>]+):(\d+)|t:(-?\d{1,12})(?::([tTdDfFR]))?|a?:(\w+):\d+)>")
_URL: Final = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,:;'!?*_\]]")
_STYLES: Final = {"t": "HH:mm", "T": "HH:mm:ss", "d": "dd/MM/yyyy", "D": "d MMMM yyyy", "f": "d MMMM yyyy HH:mm"}
_LONG: Final = "EEEE, d MMMM yyyy HH:mm"
_QUOTED: Final = re.compile(r"> ?")


class Names(Protocol):
    """The names that ids stand for, as the viewer sees them."""

    def user(self, user_id: int) -> str:
        """Look up a user's name."""

    def role(self, role_id: int) -> str:
        """Look up a role's name."""

    def channel_name(self, channel_id: int) -> str:
        """Look up a channel's name."""


def to_html(text: str, names: Names) -> str:
    """Render a text as HTML; tags in the text itself are escaped."""
    rendered: str = _PARSER.render(_parted(text), {"names": names})
    return rendered


def _parted(text: str) -> str:
    """Insert an empty line after a quote: CommonMark would continue the quote in the next line."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and _QUOTED.match(lines[-1]) and not _QUOTED.match(line):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _small(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # of all block rules
    """Parse a line of small print, which begins with `-#`."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if not line.startswith("-# "):
        return False
    if not silent:
        state.push("small_open", "p", 1).attrSet("class", "small")
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = line[3:].strip(), [start, start + 1], []
        state.push("small_close", "p", -1)
        state.line = start + 1
    return True


def _tag(state: StateInline, silent: bool) -> bool:
    """Parse Discord's angle brackets: mentions, commands, time stamps and custom emoji."""
    found = _TAG.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("tag", "", 0).meta = {"found": found}
    state.pos = found.end()
    return True


def _show_tag(_: Any, tokens: Sequence[Token], index: int, __: Any, env: MutableMapping[str, Any]) -> str:
    names: Names = env["names"]
    kind, number, command, _command_id, moment, style, emoji = tokens[index].meta["found"].groups()
    if moment:
        return _time(int(moment), style or "f")
    if emoji:
        return html.escape(f":{emoji}:")
    if kind == "#":
        where = html.escape(names.channel_name(int(number)))
        return f'<button type="button" class="mention" data-go="{number}">#{where}</button>'
    if kind:
        name = names.role(int(number)) if kind == "@&" else names.user(int(number))
        return f'<span class="mention">@{html.escape(name)}</span>'
    written = html.escape(command)
    return f'<button type="button" class="mention" data-command="{written}">/{written}</button>'


def _time(seconds: int, style: str) -> str:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    if style == "R":
        shown = format_timedelta(moment - dt.datetime.now(dt.UTC), add_direction=True, locale="en", threshold=1)
    else:
        shown = format_datetime(moment, _STYLES.get(style, _LONG), locale="en")
    relative = " data-relative" if style == "R" else ""
    return f'<time datetime="{moment.isoformat()}"{relative}>{shown}</time>'


def _links(state: StateCore) -> None:
    """Turn bare addresses in the text into links."""
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_linked(block.children))


def _linked(tokens: list[Token]) -> Iterator[Token]:
    within = 0
    for token in tokens:
        within += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type != "text" or within:
            yield token
            continue
        end = 0
        for found in _URL.finditer(token.content):
            yield _text(token.content[end : found.start()])
            yield Token("link_open", "a", 1, attrs={"href": found.group()})
            yield _text(found.group())
            yield Token("link_close", "a", -1)
            end = found.end()
        yield _text(token.content[end:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _open_link(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Make links open in a new tab, without a referrer."""
    if not tokens[index].attrGet("href"):  # as of []()
        tokens[index].attrs.clear()
        return "<a>"
    tokens[index].attrSet("target", "_blank")
    tokens[index].attrSet("rel", "noopener noreferrer")
    opened: str = renderer.renderToken(tokens, index, options, env)
    return opened


def _underline(tag: str) -> Any:
    def show(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        if tokens[index].markup == "__":
            return tag
        shown: str = renderer.renderToken(tokens, index, options, env)
        return shown

    return show


class _Parser(MarkdownIt):
    """Allow only links to web addresses."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  # markdown-it's
        return url.startswith(("http://", "https://"))


def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"breaks": True, "html": False}).enable("strikethrough")
    parser.disable(["lheading", "code", "html_block", "html_inline", "reference", "hr", "image", "entity"])
    parser.block.ruler.before("list", "small", _small, {"alt": ["paragraph", "blockquote", "list"]})
    parser.inline.ruler.before("link", "tag", _tag)
    # Before escaped letters are joined to the rest: an address with one in it is shown as text.
    parser.core.ruler.before("text_join", "addresses", _links)
    parser.add_render_rule("tag", _show_tag)
    parser.add_render_rule("link_open", _open_link)
    parser.add_render_rule("strong_open", _underline("<u>"))
    parser.add_render_rule("strong_close", _underline("</u>"))
    return parser


_PARSER: Final = _parser()
