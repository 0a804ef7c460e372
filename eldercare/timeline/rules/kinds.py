"""What eldercare has in a resident's timeline: the kinds of its items, and the right each of them needs."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Kind = Literal[
    "check_in_answered",
    "check_in_missed",
    "pause_started",
    "pause_ended",
    "alarm_raised",
    "alarm_closed",
    "dose_taken",
    "dose_skipped",
    "dose_missed",
    "reading",
    "visit_started",
    "visit_completed",
    "visit_missed",
    "goal_changed",
    "goal_judged",
    "circle_joined",
    "circle_left",
    "wellbeing_flagged",
    "wellbeing_ended",
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

SCOPE_OF: Final[Mapping[str, str]] = {
    "check_in_answered": "check_ins:read",
    "check_in_missed": "check_ins:read",
    "pause_started": "check_ins:read",
    "pause_ended": "check_ins:read",
    "alarm_raised": "alarms:read",
    "alarm_closed": "alarms:read",
    "dose_taken": "medication:read",
    "dose_skipped": "medication:read",
    "dose_missed": "medication:read",
    "reading": "vitals:read",
    "visit_started": "visits:read",
    "visit_completed": "visits:read",
    "visit_missed": "visits:read",
    "goal_changed": "visits:read",
    "goal_judged": "visits:read",
    "circle_joined": "circle:read",
    "circle_left": "circle:read",
    "wellbeing_flagged": "wellbeing:read",
    "wellbeing_ended": "wellbeing:read",
}

RANKS: Final[Mapping[Kind, int]] = {kind: rank for rank, kind in enumerate(KINDS, start=1)}
"""What puts items of one row and one instant in order."""
