"""Pure decisions about notes: how long one may be, and how its parts read as one text."""

from collections.abc import Mapping
from typing import Final

PARTS: Final[Mapping[str, str]] = {"subjective": "S", "objective": "O", "assessment": "A", "plan": "P"}
"""The parts of a problem-oriented note (Weed 1968), in their order, with the letters clinicians know them by."""
MOST: Final = 3_900
"""Characters of all parts together: with their letters they are one health record's words."""


def text(parts: Mapping[str, str]) -> str:
    """Return a note as one text, each part with its letter; what is empty is left out."""
    return "\n\n".join(f"{letter}: {parts[name]}" for name, letter in PARTS.items() if parts.get(name))
