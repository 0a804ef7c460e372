"""The booking kernel's door: packages take time through it and never count by themselves.

Who may take whose time is for the caller to know: a calendar is a means, and says nothing of why it is taken.
"""

from app.reservations.problems import CalendarTaken, HoldOver
from app.reservations.rules import Want
from app.reservations.service import confirm, move, register, release, take
from app.reservations.views import Drift, of_origin, recount, resources_of, taken

__all__ = [
    "CalendarTaken",
    "Drift",
    "HoldOver",
    "Want",
    "confirm",
    "move",
    "of_origin",
    "recount",
    "register",
    "release",
    "resources_of",
    "take",
    "taken",
]
