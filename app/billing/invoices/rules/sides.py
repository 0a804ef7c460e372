"""The sides of a provider's statement: what adds to what is payable to them, and what takes of it, in order."""

from typing import Final

STATEMENT_SIDES: Final[tuple[tuple[str, int], ...]] = (
    ("gross", 1),
    ("cancelled", -1),
    ("refunds", -1),
    ("fees", -1),
    ("fees_back", 1),
    ("taken", -1),
    ("taken_back", 1),
    ("paid_out", -1),
    ("paid_back", 1),
    ("other", 1),
)
"""The figures of a month between its opening and its closing, as the schema names them, and which way each counts."""
