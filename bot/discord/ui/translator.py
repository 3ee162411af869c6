"""Translate the names of commands, options and choices for Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands

from bot.language import LANGUAGES, translated

if TYPE_CHECKING:
    import discord


class CommandTranslator(app_commands.Translator):
    """Translate from the catalogues of commands; Discord shows the English words where there is no translation."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        _context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Translate into the locale's language, None to leave the English words."""
        language = locale.value.partition("-")[0]
        return translated(string.message, language) if language in LANGUAGES else None
