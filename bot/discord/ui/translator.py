"""Tell Discord what commands, their options and choices are called in the other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands

from bot.language import LANGUAGES, translated

if TYPE_CHECKING:
    import discord


class CommandTranslator(app_commands.Translator):
    """Read the words from the catalogues of commands; Discord shows the English ones where there are none."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        _context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Return the words in the locale's language, None to leave them in English."""
        language = locale.value.partition("-")[0]
        return translated(string.message, language) if language in LANGUAGES else None
