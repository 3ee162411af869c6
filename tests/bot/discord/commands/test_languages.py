"""In every language, whatever the commands show keeps within Discord's limits."""

from __future__ import annotations

import pytest

from bot.discord.papers.submit import PaperForm
from bot.discord.settings.privacy import explanation, question
from bot.discord.settings.settings_panel import DigestForm, PrefixForm, panel
from bot.language import LANGUAGES, in_language
from bot.store import ServerSettings
from local_discord.limits import COMPONENTS_V2, check_message, check_modal

IDS = frozenset(range(10**18, 10**18 + 60))
FULLEST = ServerSettings("`*_~`", IDS, IDS, True, True, "fr", 23, "America/Argentina/ComodRivadavia")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_forms_and_panels_fit_in_every_language(language: str) -> None:
    with in_language(language):
        for form in (PrefixForm(FULLEST), DigestForm(FULLEST), PaperForm()):
            check_modal(form.to_dict())
        for settings in (ServerSettings(), FULLEST):
            view = panel(settings, listens=False, note="x" * 200, warning="x" * 300)
            check_message({"components": view.to_components(), "flags": COMPONENTS_V2}, {})
        for view in (explanation(), question()):
            check_message({"components": view.to_components(), "flags": COMPONENTS_V2}, {})
