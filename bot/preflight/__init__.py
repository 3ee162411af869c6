"""The table of checks that `footnote setup`, `run` and `doctor` share."""

from bot.preflight.check import Check, Finding
from bot.preflight.checklist import CHECKS, examine, examine_start, look_at_settings

__all__ = ["CHECKS", "Check", "Finding", "examine", "examine_start", "look_at_settings"]
