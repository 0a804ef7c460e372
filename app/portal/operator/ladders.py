"""An escalation plan as a picture and as the fields of a form: pure, of what the API says alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.portal.charts.drawing import Chart
from app.portal.charts.ladders import LadderWords, Rung, escalation_ladder
from app.portal.ground.forms import Form

MOST_STEPS: Final = 12
CHANNELS: Final = ("push", "sms", "voice", "mail", "inbox")
KINDS: Final = ("circle_member", "circle", "organization", "duty_desk")
ROLES: Final = ("coordinator", "carer", "dispatcher", "operator")
BLANK: Final[Mapping[str, Any]] = {
    "target_kind": "",
    "target_id": None,
    "target_order": None,
    "target_role": None,
    "wait_seconds": 60,
    "channels": ["push", "sms", "inbox"],
}
"""A step that tells nobody yet."""
Words = Mapping[str, str]

BUILT_IN: Final[Sequence[Mapping[str, Any]]] = (
    {"target_kind": "circle_member", "target_order": 1, "wait_seconds": 60, "channels": ["push", "sms", "inbox"]},
    {"target_kind": "circle_member", "target_order": 2, "wait_seconds": 60, "channels": ["push", "sms", "inbox"]},
    {"target_kind": "circle", "wait_seconds": 90, "channels": ["push", "sms", "inbox"]},
    {"target_kind": "duty_desk", "wait_seconds": 60, "channels": ["push", "sms", "inbox"]},
)
"""What is climbed where nobody has made a plan, and what a new plan begins with."""


def picture(steps: Sequence[Mapping[str, Any]], words: Words, organizations: Mapping[str, str]) -> Chart:
    """Return the plan's ladder; each step stands where it begins, in minutes after the alarm.

    What a form has may be unknown: it is drawn as it was written, until the API says that there is no such thing.
    """
    rungs, after = [], 0
    for step in steps:
        how = words["list_comma"].join(words.get(f"channel_{channel}", channel) for channel in step["channels"])
        who = told(step, words, organizations)
        rungs.append(Rung(who, how, round(after / 60, 1), desk=step["target_kind"] == "duty_desk"))
        after += step["wait_seconds"]
    said = LadderWords(
        title=words["ladder_title"],
        description=words["ladder_description"],
        minutes=words["ladder_minutes"],
        who=words["ladder_who"],
        how=words["ladder_how"],
        after=words["ladder_after"],
        repeats=words["ladder_repeats"],
        nothing=words["none"],
    )
    return escalation_ladder(rungs, said)


def told(step: Mapping[str, Any], words: Words, organizations: Mapping[str, str]) -> str:
    """Return whom a step tells, in the reader's language."""
    kind = step["target_kind"]
    if kind == "circle_member":
        order = step.get("target_order")
        return words["told_member"].format(order=order) if order else words["told_person"]
    if kind == "organization":
        name = organizations.get(str(step.get("target_id")), words["unknown"])
        role = step.get("target_role")
        return f"{name} ({words.get(f'role_{role}', role)})" if role else name
    return words[f"told_{kind}"]


def steps_of(form: Form) -> list[dict[str, Any]]:
    """Return the steps a form has, as the API takes them; a step without a kind is left out."""
    steps = []
    for number in range(MOST_STEPS):
        kind = form.text(f"kind_{number}", 20)
        if kind not in KINDS:
            continue
        step: dict[str, Any] = {
            "target_kind": kind,
            "wait_seconds": form.number(f"wait_{number}") or 60,
            "channels": form.many(f"channels_{number}"),
        }
        if kind == "circle_member":
            step["target_order"] = form.number(f"order_{number}") or 1
        if kind == "organization":
            step["target_id"] = form.text(f"organization_{number}", 40) or None
            step["target_role"] = form.text(f"role_{number}", 20) or None
        steps.append(step)
    return steps
