"""What a plan may look like and which step comes next: pure decisions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

TargetKind = Literal["circle", "circle_member", "organization", "duty_desk"]
Channel = Literal["push", "sms", "voice", "mail", "inbox"]

MOST_STEPS = 12
SHORTEST_WAIT = 15
LONGEST_WAIT = 3600
TEST_HOLDS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder; ``wait`` is how long the people told have to answer before the next rung."""

    position: int
    target_kind: TargetKind
    wait: timedelta
    channels: tuple[str, ...]
    target_id: uuid.UUID | None = None
    target_order: int | None = None
    target_role: str | None = None


_ALL_CHANNELS = ("push", "sms", "inbox")

BUILT_IN: tuple[Step, ...] = (
    Step(1, "circle_member", timedelta(seconds=60), _ALL_CHANNELS, target_order=1),
    Step(2, "circle_member", timedelta(seconds=60), _ALL_CHANNELS, target_order=2),
    Step(3, "circle", timedelta(seconds=90), _ALL_CHANNELS),
    Step(4, "duty_desk", timedelta(seconds=60), _ALL_CHANNELS),
)
"""Where nobody has made a plan: the first two who are on call, then all who are, then the duty desk."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A place on the ladder: which step, in which round, and whether it is the last, which repeats."""

    step: Step
    round: int
    is_last: bool


def next_rung(steps: Sequence[Step], position: int, round_number: int) -> Rung:
    """Return the rung after the step at ``position``; after the last comes the last again, in a new round."""
    for step in steps:
        if step.position > position:
            return Rung(step, round_number, is_last=step is steps[-1])
    return Rung(steps[-1], round_number + 1, is_last=True)


def waits_before_desk(steps: Sequence[Step], position: int) -> timedelta:
    """Return how long those of the steps after ``position`` who come before the duty desk have to answer, in all."""
    before = (step.wait for step in steps if step.position > position and step.target_kind != "duty_desk")
    return sum(before, timedelta())


def faults(steps: Sequence[Step]) -> list[tuple[str, str, str]]:
    """Return what is wrong with a plan's steps as (JSON pointer, sentence, code); an empty list if nothing is."""
    found: list[tuple[str, str, str]] = []
    if not steps:
        return [("/body/steps", "a plan needs at least the duty desk", "too_short")]
    if steps[-1].target_kind != "duty_desk":
        found.append(("/body/steps", "the last step must be the duty desk", "desk_last"))
    for index, step in enumerate(steps):
        pointer = f"/body/steps/{index}"
        if step.target_kind == "duty_desk" and index < len(steps) - 1:
            found.append((f"{pointer}/target", "only the last step is the duty desk", "desk_last"))
        if step.target_kind == "organization" and step.target_id is None:
            found.append((f"{pointer}/target_id", "name the organization", "missing"))
        if step.target_kind == "circle_member" and (step.target_id is None) == (step.target_order is None):
            found.append((f"{pointer}/target_id", "name a member or an order, one of both", "missing"))
    return found


def proves(channels: Sequence[str], tested: Sequence[str], answered_at: datetime | None, now: datetime) -> bool:
    """Say whether a desk test covers a last step: all its channels, answered by a person, not too long ago."""
    return answered_at is not None and now - answered_at <= TEST_HOLDS and set(channels) <= set(tested)


SERVED = "alarms:read"
"""What an organization's agreement about the resident must contain for its people to be called."""

PLAN_TRANSITIONS: dict[str, tuple[frozenset[str], str]] = {
    "activate": (frozenset({"draft"}), "active"),
    "retire": (frozenset({"active"}), "retired"),
}
"""The states of a plan; a plan that is to change is a new plan."""
