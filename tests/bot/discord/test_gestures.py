"""How people address the bot: by roles, replies, forwards, links, files, small talk, and commands typed as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
import pytest

from bot.store import ServerSettings
from tests.bot.discord.prepared import TITLE, PreparedAnswers, done, kept_as

if TYPE_CHECKING:
    from bot.discord.footnote_bot import FootnoteBot
    from bot.store import Store
    from tests.bot.discord.conftest import Online
    from tests.local_discord import Channel, LocalDiscord, Message, Person

VOICE = {
    "id": "1",
    "filename": "voice-message.ogg",
    "content_type": "audio/ogg",
    "size": 10_000,
    "url": "https://cdn.discordapp.com/attachments/1/1/voice-message.ogg",
    "proxy_url": "https://media.discordapp.net/attachments/1/1/voice-message.ogg",
    "duration_secs": 2.5,
    "waveform": "AAAA",
}
HIDDEN = "I cannot see the message that you mean."


async def answer_in(channel: Channel) -> Message:
    return await (await channel.wait_for_bot_message()).wait_until(done)


def buttons(message: Message) -> list[str]:
    return [str(part["custom_id"]) for part in message.parts() if part.get("custom_id")]


def link(message: Message) -> str:
    guild = message.channel.guild
    return f"https://discord.com/channels/{guild.id if guild else '@me'}/{message.channel.id}/{message.id}"


class TestWithMessageContent:
    @pytest.fixture
    def message_content(self) -> bool:
        return True

    @pytest.mark.usefixtures("bot")
    async def test_the_bots_own_role_counts_as_a_mention(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers
    ) -> None:
        role = local.guild("Lab").role("Footnote", of_bot=True)
        await local.taken_in()
        await ada.says(papers, f"{role.mention} does likelihood matter?")
        assert TITLE in (await answer_in(papers)).text
        assert answers.asked == ["does likelihood matter?"]

    @pytest.mark.usefixtures("bot")
    @pytest.mark.parametrize("words", ["can you answer this?", "", "^", "what do you think?"])
    async def test_a_reply_that_only_points_to_a_question_has_it_answered(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str, words: str
    ) -> None:
        said = await bob.says(papers, "does likelihood matter?")
        await ada.says(papers, f"{mention} {words}", reply_to=said)
        await answer_in(papers)
        assert answers.asked == ["does likelihood matter?"]
        assert answers.histories == [[]]

    @pytest.mark.usefixtures("bot")
    async def test_a_question_in_a_reply_is_asked_after_what_it_replies_to(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        said = await bob.says(papers, "likelihood does not predict control performance")
        await ada.says(papers, f"{mention} is that true for images?", reply_to=said)
        await answer_in(papers)
        assert answers.asked == ["is that true for images?"]
        assert answers.histories == [["likelihood does not predict control performance"]]

    @pytest.mark.usefixtures("bot")
    async def test_a_mention_under_a_remark_under_an_answer_is_about_both(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str, store: Store
    ) -> None:
        await ada.says(papers, f"{mention} does likelihood matter?")
        answer = await answer_in(papers)
        await kept_as(store, answer)
        remark = await bob.says(papers, f"only in simulation {bob.mention}", reply_to=answer, ping=False)
        await ada.says(papers, f"{mention} is that true?", reply_to=remark)
        await answers.were_asked(2)
        assert answers.histories[1] == ["does likelihood matter?", "only in simulation Bob"]

    @pytest.mark.usefixtures("bot")
    async def test_a_link_to_a_message_brings_what_it_says(
        self, local: LocalDiscord, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        said = await bob.says(local.guild("Lab").channel("talk"), "does likelihood matter?")
        await local.taken_in()
        await ada.says(papers, f"{mention} {link(said)}")
        await answer_in(papers)
        assert answers.asked == ["does likelihood matter?"]

    async def test_a_link_to_a_message_that_the_asker_may_not_see_brings_nothing(
        self,
        local: LocalDiscord,
        papers: Channel,
        online: Online,
        ada: Person,
        moderator: Person,
        answers: PreparedAnswers,
        mention: str,
    ) -> None:
        lab = local.guild("Lab")
        secret = lab.channel("secret")
        lab.roles[lab.id].permissions &= ~discord.Permissions(view_channel=True).value
        for channel in (papers, secret):
            channel.grant("view_channel")
        said = await moderator.says(secret, "the secret question?")
        async with online():
            await ada.says(papers, f"{mention} {link(said)}")
            assert HIDDEN in (await papers.wait_for_bot_message()).text
        assert answers.asked == []

    @pytest.mark.usefixtures("bot")
    async def test_talk_between_people_in_the_bots_thread_is_left_alone(
        self,
        local: LocalDiscord,
        papers: Channel,
        ada: Person,
        bob: Person,
        answers: PreparedAnswers,
        mention: str,
        store: Store,
    ) -> None:
        await store.servers.save(local.guild("Lab").id, ServerSettings(threads=True))
        await ada.says(papers, f"{mention} does likelihood matter?")
        thread = await papers.wait_for_thread()
        await answer_in(thread)
        for words in ["thanks!", "lol", "+1", "I agree", "see you tomorrow"]:
            await bob.says(thread, words)
        await local.stays_silent(0.3)
        await bob.says(thread, "how many datasets did they use?")
        await answer_in(thread)
        assert answers.asked == ["does likelihood matter?", "how many datasets did they use?"]


@pytest.mark.usefixtures("bot")
class TestWithoutMessageContent:
    async def test_who_picks_the_role_is_told_what_to_pick(
        self, local: LocalDiscord, papers: Channel, ada: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        role = local.guild("Lab").role("Footnote", of_bot=True)
        await local.taken_in()
        await ada.says(papers, f"{role.mention} does likelihood matter?")
        told = await papers.wait_for_bot_message()
        assert f"Pick {mention}" in told.text
        assert not told.pings
        assert answers.asked == []

    async def test_where_the_words_of_others_are_hidden_the_bot_says_how_to_ask(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers, mention: str
    ) -> None:
        said = await bob.says(papers, "does likelihood matter?")
        await ada.says(papers, f"{mention} can you answer this?", reply_to=said)
        told = await papers.wait_for_bot_message()
        assert HIDDEN in told.text
        assert "Ask about this" in told.text
        await ada.says(papers, f"{mention} does it scale?", reply_to=said)
        await answer_in(papers)
        assert answers.asked == ["does it scale?"]

    async def test_a_forwarded_message_is_the_question(
        self, papers: Channel, ada: Person, bob: Person, answers: PreparedAnswers
    ) -> None:
        await ada.forwards(await bob.says(papers, "does likelihood matter?"), ada.dm)
        await answer_in(ada.dm)
        assert answers.asked == ["does likelihood matter?"]

    async def test_the_title_of_a_preview_belongs_to_the_question(self, ada: Person, answers: PreparedAnswers) -> None:
        embed = {"type": "article", "title": TITLE, "url": "https://openreview.net/forum?id=x"}
        await ada.says(ada.dm, "does it scale? https://openreview.net/forum?id=x", extra={"embeds": [embed]})
        await answer_in(ada.dm)
        assert answers.asked == [f"does it scale? https://openreview.net/forum?id=x {TITLE}"]

    @pytest.mark.parametrize("name", ["question.txt", "notes.md", "library.BIB"])
    async def test_a_text_file_is_read(self, ada: Person, answers: PreparedAnswers, name: str) -> None:
        await ada.says(ada.dm, "", files={name: b"does likelihood matter?"})
        await answer_in(ada.dm)
        assert answers.asked == ["does likelihood matter?"]

    async def test_a_text_file_beside_a_question_is_read_before_it(self, ada: Person, answers: PreparedAnswers) -> None:
        await ada.says(ada.dm, "is that true for images?", files={"notes.md": b"likelihood does not matter"})
        answer = await answer_in(ada.dm)
        assert answers.asked == ["is that true for images?"]
        assert answers.histories == [["likelihood does not matter"]]
        assert "I did not read" not in answer.text

    async def test_what_was_not_read_is_named(self, ada: Person, answers: PreparedAnswers) -> None:
        media = {
            "question": {"text": "which?"},
            "answers": [],
            "expiry": "2030-01-01T00:00:00+00:00",
            "allow_multiselect": False,
        }
        said: list[tuple[dict[str, Any], dict[str, bytes], str]] = [
            ({}, {"paper.ps": b"%!PS"}, "paper.ps"),
            ({}, {"long.txt": b"x" * 100_000}, "long.txt"),
            ({"sticker_items": [{"id": "1", "name": "Wave", "format_type": 1}]}, {}, "the sticker “Wave”"),
            ({"poll": media | {"layout_type": 1}}, {}, "the poll"),
            ({"attachments": [VOICE], "flags": 1 << 13}, {}, "the voice message"),
        ]
        for extra, files, words in said:
            await ada.says(ada.dm, "", files=files, extra=extra)
            told = await ada.dm.wait_for_bot_message()
            assert "I cannot read" in told.text
            assert words in told.text
        assert answers.asked == []

    async def test_a_file_beside_a_question_is_named_with_its_answer(self, ada: Person) -> None:
        await ada.says(ada.dm, "does likelihood matter?", files={"paper.ps": b"%!PS"})
        answer = await answer_in(ada.dm)
        assert TITLE in answer.text
        assert "I did not read the file “paper.ps”." in answer.text

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ("thanks", "Always a pleasure"),
            ("hello!", "Always a pleasure"),
            ("who are you", "I am Footnote"),
            ("what can you do?", "I am Footnote"),
            ("help", "from its own list"),
        ],
    )
    async def test_what_is_no_question_gets_a_fitting_sentence_without_thumbs(
        self, bot: FootnoteBot, ada: Person, answers: PreparedAnswers, words: str, sentence: str
    ) -> None:
        assert bot.syncing
        await bot.syncing
        await ada.dms(words)
        told = await ada.dm.wait_for_bot_message()
        assert sentence in told.text
        assert "</help:" in told.text
        assert not buttons(told)
        assert answers.asked == []

    @pytest.mark.parametrize(
        ("words", "clickable"),
        [
            ("/settings", "</settings:"),
            ("Privacy", "</privacy:"),
            ("digest", "</digest subscribe:"),
            ("digest list", "</digest list:"),
            ("/ask does likelihood matter?", "</ask:"),
            ("search", "</search:"),
            ("einstellungen", "</settings:"),
        ],
    )
    async def test_a_command_typed_as_text_is_answered_with_what_to_click(
        self,
        bot: FootnoteBot,
        papers: Channel,
        ada: Person,
        answers: PreparedAnswers,
        mention: str,
        words: str,
        clickable: str,
    ) -> None:
        assert bot.syncing
        await bot.syncing
        await ada.says(papers, f"{mention} {words}")
        assert clickable in (await papers.wait_for_bot_message()).text
        assert answers.asked == []
