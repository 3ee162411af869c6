"""All cases of how servers behave: replies that can be read, at once or after asking again, and replies that cannot."""

from __future__ import annotations

from typing import Final

from .failures import PAPERS, PARTS
from .refusals import CONTEXTS, PASSING, REFUSALS
from .shapes import SHAPES

CASES: Final = (*SHAPES, *REFUSALS, *CONTEXTS, *PASSING, *PARTS, *PAPERS)
