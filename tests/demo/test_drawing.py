"""What messages look like: Discord's Markdown and components as HTML, with all foreign text escaped."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from local_discord import LocalDiscord, Server
from local_discord.web.form_html import form_html
from local_discord.web.message_html import message_html, words_of
from local_discord.web.rich_text import to_html
from local_discord.web.scene import Scene

TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "u", "s", "code", "pre", "a", "ul", "ol", "li", "br"),
    *("blockquote", "span", "button", "time", "div"),
}


class Names:
    """Names for any id."""

    def user(self, user_id: int) -> str:
        return f"<b>{user_id}"

    role = channel_name = user


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**a** *b* __c__ ~~d~~", "<p><strong>a</strong> <em>b</em> <u>c</u> <s>d</s></p>"),
        ("### a\nb\n-# c", '<h3>a</h3><p>b</p><p class="small">c</p>'),
        ("> a\nb", "<blockquote><p>a</p></blockquote><p>b</p>"),
        ("a\nb", "<p>a<br />b</p>"),
        ("a\n---", "<p>a<br />---</p>"),
        ("<@1>", '<p><span class="mention">@&lt;b&gt;1</span></p>'),
        (
            "</digest now:1>",
            '<p><button type="button" class="mention" data-command="digest now">/digest now</button></p>',
        ),
        ("<b>a</b> &amp;", "<p>&lt;b&gt;a&lt;/b&gt; &amp;amp;</p>"),
        ("[a](javascript:x)", "<p>[a](javascript:x)</p>"),
        (r"https\://a.b", "<p>https://a.b</p>"),
        ("`<t:1:R>`", "<p><code>&lt;t:1:R&gt;</code></p>"),
    ],
)
def test_a_text_is_drawn_as_discord_draws_it(text: str, shown: str) -> None:
    assert re.sub(r">\n\s*|\n(?=<)", lambda found: found.group().strip(), to_html(text, Names())) == shown


def test_links_open_elsewhere_and_tell_nothing() -> None:
    for text in ("see https://a.b/c_d.", "see [it](https://a.b/c_d)", "see <https://a.b/c_d>"):
        (link,) = html.fromstring(to_html(text, Names())).iter("a")
        assert dict(link.attrib) == {"href": "https://a.b/c_d", "target": "_blank", "rel": "noopener noreferrer"}


@given(st.text(alphabet=st.sampled_from("ab<>/@#!&:;\"'=`*_~|[]()\\-\n 1thps."), max_size=60))
def test_no_text_brings_markup_of_its_own(text: str) -> None:
    drawn = html.fragment_fromstring(to_html(text, Names()), create_parent="div")
    for each in drawn.iter():
        assert each.tag in TAGS
        assert not [name for name in each.attrib if name.startswith("on") or name == "style"]
        assert str(each.get("href", "https://")).startswith(("http://", "https://"))


class TestMessages:
    @pytest.fixture
    def scene(self) -> Scene:
        local = LocalDiscord()
        lab = local.guild("Lab")
        return Scene(local.world, lab.member("Ada"), lab.channel("papers"))

    async def drawn(self, scene: Scene, components: list[dict[str, Any]]) -> html.HtmlElement:
        message = await scene.viewer.says(scene.channel, "")
        message.versions[0] = scene.world.version({"components": components}, None)
        return html.fromstring(message_html(message, scene))

    async def test_what_a_select_offers_are_the_servers_own_channels_and_roles(self, scene: Scene) -> None:
        guild = scene.channel.guild
        assert isinstance(guild, Server)
        role, other = guild.role("readers"), guild.channel("other")
        chosen = [{"id": str(other.id), "type": "channel"}]
        selects = [
            {"type": 8, "custom_id": "c", "placeholder": "Where", "max_values": 2, "default_values": chosen},
            {"type": 6, "custom_id": "r", "placeholder": "Who"},
        ]
        drawn = await self.drawn(scene, [{"type": 1, "components": [each]} for each in selects])
        options = {each.text: (each.get("data-value"), each.get("aria-selected")) for each in drawn.iter("li")}
        assert options["#other"] == (str(other.id), "true")
        assert options["#papers"] == (str(scene.channel.id), "false")
        assert options["@readers"] == (str(role.id), "false")

    async def test_labels_of_others_are_no_markup(self, scene: Scene) -> None:
        evil = '"><img src=x onerror=alert(1)>'
        button = {"type": 2, "style": 2, "label": evil, "custom_id": evil}
        link = {"type": 2, "style": 5, "label": evil, "url": "discord://x"}
        options = [{"label": evil, "value": evil, "description": evil}]
        select = {"type": 3, "custom_id": evil, "placeholder": evil, "options": options}
        text = {"type": 10, "content": evil}
        rows = [{"type": 1, "components": [button, link]}, {"type": 1, "components": [select]}, text]
        scene.viewer.name = evil
        drawn = await self.drawn(scene, [{"type": 17, "accent_color": 255, "components": rows}])
        assert not list(drawn.iter("img", "script"))
        assert not [each for each in drawn.iter() for name in each.attrib if name.startswith("on")]
        (clickable,) = [each for each in drawn.iter("button") if each.get("data-click")]
        assert (clickable.text, clickable.get("data-click")) == (evil, evil)
        form = {"title": evil, "components": [{"type": 18, "label": evil, "component": select}]}
        assert not list(html.fromstring(f"<form>{form_html(form, scene, 'f')}</form>").iter("img"))

    async def test_every_field_of_a_form_has_a_label_and_its_limits(self, scene: Scene) -> None:
        text = {"type": 4, "custom_id": "t", "style": 2, "required": False, "max_length": 9, "value": "a"}
        form = {"title": "F", "components": [{"type": 18, "label": "T", "description": "D", "component": text}]}
        drawn = html.fromstring(f"<form>{form_html(form, scene, 'f')}</form>")
        (field,) = drawn.iter("textarea")
        (label,) = drawn.iter("label")
        assert label.get("for") == field.get("id")
        assert drawn.get_element_by_id(field.get("aria-describedby")).text == "D"
        assert (field.get("maxlength"), field.get("required"), field.text) == ("9", None, "a")

    async def test_what_is_read_out_has_texts_and_no_controls(self, scene: Scene) -> None:
        message = await scene.viewer.says(scene.channel, "")
        button = {"type": 2, "style": 2, "label": "Press", "custom_id": "x"}
        components = [{"type": 10, "content": "**a** <b>"}, {"type": 1, "components": [button]}]
        message.versions[0] = scene.world.version({"components": components}, None)
        assert words_of(message, scene) == "Ada: a <b>"
