"""What every page that shows an alarm goes by: the ways it can end, when it is over, and how each state looks."""

from collections.abc import Mapping
from typing import Final

OUTCOMES: Final = (
    "helped",
    "no_help_needed",
    "false_alarm",
    "emergency_services",
    "hospital",
    "not_found",
    "deceased",
)
"""The ways an alarm can end, in the order of a form; ``outcome_<outcome>`` says them."""
CLOSED: Final = ("resolved", "cancelled")
LOOKS: Final[Mapping[str, str]] = {
    "raised": "needs",
    "acknowledged": "waiting",
    "en_route": "away",
    "on_scene": "fine",
    "resolved": "fine",
    "cancelled": "quiet",
}
"""How each state looks: a shape and a colour, beside its words (``short_<state>``)."""
