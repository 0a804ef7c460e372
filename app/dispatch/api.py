"""Dispatch's door: a plan of who goes where when, from plain data; and who goes instead of somebody who is absent."""

from app.dispatch.explaining import obstacles, sentence
from app.dispatch.inputs import (
    Assignment,
    Break,
    Busy,
    Job,
    Place,
    Plan,
    Reason,
    Shift,
    Speed,
    Unassigned,
    Worker,
)
from app.dispatch.planner import plan
from app.dispatch.replanning import replace_absent, replan
from app.dispatch.travel import distance, travel_time

__all__ = [
    "Assignment",
    "Break",
    "Busy",
    "Job",
    "Place",
    "Plan",
    "Reason",
    "Shift",
    "Speed",
    "Unassigned",
    "Worker",
    "distance",
    "obstacles",
    "plan",
    "replace_absent",
    "replan",
    "sentence",
    "travel_time",
]
