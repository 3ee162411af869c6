"""Write what the bot posts as an HTML page that looks like Discord, from the payload of its components."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any, Final

import discord
from markdown_it import MarkdownIt

# Foreground, muted, page, container, line, quote bar, button, link.
THEMES: Final = {
    "dark": ("#dbdee1", "#949ba4", "#313338", "#2b2d31", "#3f4147", "#4e5058", "#4e5058", "#00a8fc"),
    "light": ("#313338", "#5c5e66", "#ffffff", "#f2f3f5", "#e3e5e8", "#c4c9ce", "#e3e5e8", "#006ce7"),
}
NAMES: Final = ("text", "muted", "page", "box", "line", "bar", "button", "link")
STYLE: Final = """
* { box-sizing: border-box; }
body { margin: 0; padding: 14px 16px; width: 720px; background: var(--page); color: var(--text);
  font: 15px/1.38 'gg sans', 'Noto Sans', Helvetica, Arial, sans-serif; }
.said { display: flex; gap: 14px; margin-bottom: 12px; }
.face { flex: 0 0 38px; height: 38px; border-radius: 50%; color: #fff; text-align: center; line-height: 38px;
  font-weight: 600; background: #e67e22; } .bot .face { background: #5865f2; }
.body { flex: 1; min-width: 0; } .who { font-weight: 600; } .used, .alone { color: var(--muted); font-size: 13px; }
.app { background: #5865f2; color: #fff; border-radius: 3px; padding: 0 4px; font-size: 10px; vertical-align: 2px; }
p { margin: 0; } .display { margin: 0 0 6px; } .display:last-child { margin-bottom: 0; }
.container { background: var(--box); border: 1px solid var(--line); border-left: 4px solid var(--accent);
  border-radius: 8px; padding: 12px 14px; margin-top: 4px; }
h3 { font-size: 17px; margin: 4px 0 2px; } ul { margin: 4px 0; padding-left: 20px; }
hr { border: 0; border-top: 1px solid var(--line); margin: 10px 0; }
blockquote { margin: 2px 0; padding-left: 10px; border-left: 4px solid var(--bar); border-radius: 2px; }
a { color: var(--link); text-decoration: none; } .small { color: var(--muted); font-size: 12.5px; }
.mention { background: rgba(88, 101, 242, .18); color: #5865f2; border-radius: 3px; padding: 0 2px; font-weight: 500; }
.dark .mention { color: #c9cdfb; background: rgba(88, 101, 242, .3); }
.row { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
.container .row:not(:last-child) { margin-bottom: 12px; }
.button { border-radius: 8px; padding: 5px 14px; font-size: 14px; font-weight: 500; background: var(--button); }
.style1 { background: #5865f2; color: #fff; } .style3 { background: #248046; color: #fff; }
.select { flex: 0 1 400px; border: 1px solid var(--line); background: var(--page); border-radius: 8px;
  padding: 8px 12px; color: var(--muted); font-size: 14px; display: flex; justify-content: space-between; }
.menu { width: 400px; border: 1px solid var(--line); border-radius: 8px; background: var(--box); margin-top: 4px;
  padding: 4px 0; font-size: 14px; } .menu div { padding: 4px 12px; }
.section { display: flex; gap: 12px; justify-content: space-between; align-items: flex-start; margin-bottom: 6px; }
.section .button { flex: none; margin-top: 0; } img.emoji { height: 1.2em; }
"""


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what somebody said, or the command that they used, or what the bot posted, perhaps with its menu opened."""

    name: str
    text: str = ""
    command: str | None = None
    components: list[dict[str, Any]] = field(default_factory=list)
    is_bot: bool = False
    alone: bool = False
    opened: bool = False


def page(said: list[Said], theme: str) -> str:
    """Return what was said as a page, in a theme of THEMES."""
    colours = ";".join(f"--{name}:{value}" for name, value in zip(NAMES, THEMES[theme], strict=True))
    body = "".join(map(_said, said))
    return f'<!doctype html><meta charset="utf-8"><style>:root{{{colours}}}{STYLE}</style><body class="{theme}">{body}'


def _said(one: Said) -> str:
    name = html.escape(one.name)
    if one.command:
        return f'<div class="used"><b>{name}</b> used <span class="mention">/{html.escape(one.command)}</span></div>'
    badge = ' <span class="app">APP</span>' if one.is_bot else ""
    shown = (
        "".join(map(_component, one.components)) + (_options(one.components) if one.opened else "")
        or f"<p>{_mentions(html.escape(one.text))}</p>"
    )
    alone = '<div class="alone">👁 Only you can see this</div>' if one.alone else ""
    return (
        f'<div class="said{" bot" if one.is_bot else ""}"><div class="face">{name[:1].upper()}</div>'
        f'<div class="body"><div class="who">{name}{badge}</div>{shown}{alone}</div></div>'
    )


def _component(part: dict[str, Any]) -> str:  # noqa: PLR0911  # one for each kind
    inside = "".join(map(_component, part.get("components", ())))
    match discord.ComponentType(part["type"]):
        case discord.ComponentType.container:
            accent = part.get("accent_color")
            colour = "var(--line)" if accent is None else f"#{accent:06x}"
            return f'<div class="container" style="--accent:{colour}">{inside}</div>'
        case discord.ComponentType.section:
            return f'<div class="section"><div>{inside}</div>{_component(part["accessory"])}</div>'
        case discord.ComponentType.action_row:
            return f'<div class="row">{inside}</div>'
        case discord.ComponentType.button:
            emoji = (part.get("emoji") or {}).get("name") or ""
            label = html.escape(" ".join(filter(None, (emoji, part.get("label")))))
            return f'<span class="button style{part["style"]}">{label}</span>'
        case discord.ComponentType.text_display:
            return f'<div class="display">{_markdown(part["content"])}</div>'
    if "placeholder" not in part:
        return "<hr>"
    chosen = next((each["label"] for each in part.get("options", ()) if each.get("default")), None)
    return f'<div class="select">{html.escape(chosen or part["placeholder"])}<span>⌄</span></div>'


def _options(components: list[dict[str, Any]]) -> str:
    """Return the menu at the end of a message as it looks when it is open."""
    options = components[-1]["components"][0]["options"]
    lines = []
    for each in options:
        below = f"<br><span class='small'>{html.escape(each['description'])}</span>" if each.get("description") else ""
        lines.append(f"<div>{html.escape(each['label'])}{below}</div>")
    return f'<div class="menu">{"".join(lines)}</div>'


def _markdown(text: str) -> str:
    # Each line is one of its own in Discord, and small print, which begins with -#, is not in any Markdown library.
    rendered = MarkdownIt("commonmark", {"breaks": True, "html": False}).render(re.sub(r"(?m)^(?=### |> )", "\n", text))
    return _mentions(re.sub(r"-# (.*?)(?=<br ?/?>|</p>)", r'<span class="small">\1</span>', rendered))


def _mentions(text: str) -> str:
    """Show what Discord writes in angle brackets as people see it; the text is HTML already."""
    text = re.sub(r"&lt;/([^:&]+):\d+&gt;", r'<span class="mention">/\1</span>', text)
    text = re.sub(r"&lt;t:\d+:R&gt;", "in 21 hours", text)
    return re.sub(r"^@\w+", r'<span class="mention">\g<0></span>', text)
