"""The table of checks that `footnote setup`, `run` and `doctor` share."""

from bot.preflight.check import Check, Finding
from bot.preflight.checklist import CHECKS, check_settings, run_checks, start_problems

__all__ = ["CHECKS", "Check", "Finding", "check_settings", "run_checks", "start_problems"]
