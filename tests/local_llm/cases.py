"""How servers behave: those whose replies can be read or mended by asking again, and those whose cannot."""

from __future__ import annotations

from typing import Final

from .failures import PAPERS, PARTS
from .refusals import CONTEXTS, PASSING, REFUSALS
from .shapes import SHAPES

CASES: Final = (*SHAPES, *REFUSALS, *CONTEXTS, *PASSING, *PARTS, *PAPERS)
