"""No package is installed before somebody has looked at its licence."""

from __future__ import annotations

import sys

import pytest

from docs.make_licences import FILE, faults, licences, page


def test_every_package_that_a_user_gets_is_free_to_use_or_named() -> None:
    assert faults(licences()) == []


@pytest.mark.parametrize(
    "licence", ["", "UNKNOWN", "GPL-3.0-or-later", "MIT AND AGPL-3.0", "GNU Lesser General Public License v3 (LGPLv3)"]
)
def test_one_that_is_not_gets_a_sentence_with_its_name(licence: str) -> None:
    (sentence,) = faults({"tangled": licence, "plain": "MIT", "either": "GPL-2.0 OR MIT"})
    assert sentence.startswith("tangled says ")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have packages of their own")
def test_the_list_is_that_of_the_lock() -> None:
    assert FILE.read_text(encoding="utf-8") == page(licences()), "run make licences"
