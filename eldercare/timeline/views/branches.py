"""Where the items of eldercare's kinds are, each the latest of an index by resident and instant."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from app.core.tables import table_of
from app.core.timelines import Branch, columns
from eldercare.absences.models import ABSENCES
from eldercare.alarms.models import Alarm
from eldercare.alarms.views import signal_kinds
from eldercare.care_circle.models import CircleMember
from eldercare.check_ins.models import CheckIn
from eldercare.goals.models import GOAL_CHANGES
from eldercare.medication.models import DOSES
from eldercare.timeline.rules.kinds import RANKS, Kind
from eldercare.visits.models import VISITS
from eldercare.wellbeing.models import FLAGS

_check_ins = table_of(CheckIn)
_alarms = table_of(Alarm)
_members = table_of(CircleMember)

_CHECK_IN: Final = ("plan_id", "due_at", "channel")
_DOSE: Final = ("regimen_id", "due_at", "critical")
_VISIT: Final = ("organization_id", "starts_at", "ends_at")


def _branch(
    kind: Kind,
    table: sa.Table,
    at: str,
    data: Sequence[tuple[str, sa.ColumnElement[Any]]],
    where: str | None = None,
) -> Branch:
    return Branch(kind, RANKS[kind], table, at, data, where)


BRANCHES: Final = (
    _branch(
        "check_in_answered",
        _check_ins,
        "answered_at",
        columns(_check_ins, *_CHECK_IN, "answer", "how", "late", "answered_by"),
        "state = 'answered'",
    ),
    _branch(
        "check_in_missed",
        _check_ins,
        "closed_at",
        (*columns(_check_ins, *_CHECK_IN), ("was_asked", _check_ins.c.asked_at.is_not(None))),
        "closed_at IS NOT NULL AND excuse IS NULL",
    ),
    _branch(
        "pause_started",
        ABSENCES,
        "starts_at",
        columns(ABSENCES, "ends_at", "created_by", pause="kind"),
        # One that was taken back before it began never was.
        "ended_at IS NULL OR ended_at > starts_at",
    ),
    _branch("pause_ended", ABSENCES, "ends_at", columns(ABSENCES, "starts_at", pause="kind"), "ended_at IS NULL"),
    _branch(
        "pause_ended",
        ABSENCES,
        "ended_at",
        columns(ABSENCES, "starts_at", "ended_by", pause="kind"),
        "ended_at > starts_at",
    ),
    _branch(
        "alarm_raised",
        _alarms,
        "raised_at",
        (
            *columns(_alarms, "severity", "is_test", "state", "raised_by", alarm="kind"),
            ("signals", signal_kinds(_alarms.c.id)),
        ),
    ),
    _branch(
        "alarm_closed",
        _alarms,
        "closed_at",
        columns(_alarms, "severity", "is_test", "state", "outcome", "closed_by", "raised_at", alarm="kind"),
        "closed_at IS NOT NULL",
    ),
    _branch(
        "dose_taken",
        DOSES,
        "taken_at",
        columns(DOSES, *_DOSE, "how", "late", "recorded_by", dose="kind"),
        "state = 'taken'",
    ),
    _branch(
        "dose_skipped",
        DOSES,
        "recorded_at",
        columns(DOSES, *_DOSE, "recorded_by", reason="skip_reason"),
        "state = 'skipped'",
    ),
    _branch("dose_missed", DOSES, "closed_at", columns(DOSES, *_DOSE), "state = 'missed'"),
    _branch("visit_started", VISITS, "started_at", columns(VISITS, *_VISIT), "started_at IS NOT NULL"),
    _branch(
        "visit_completed", VISITS, "completed_at", columns(VISITS, *_VISIT, "started_at"), "completed_at IS NOT NULL"
    ),
    _branch("visit_missed", VISITS, "closed_at", columns(VISITS, *_VISIT, "is_critical"), "state = 'missed'"),
    _branch(
        "goal_changed",
        GOAL_CHANGES,
        "changed_at",
        columns(GOAL_CHANGES, "goal_id", "changed_by", status="lifecycle_status"),
        "lifecycle_status IS NOT NULL",
    ),
    _branch(
        "goal_judged",
        GOAL_CHANGES,
        "changed_at",
        columns(GOAL_CHANGES, "goal_id", "changed_by", "judged_on", status="achievement_status"),
        "achievement_status IS NOT NULL",
    ),
    _branch(
        "circle_joined",
        _members,
        "answered_at",
        columns(_members, "account_id", "relationship"),
        "answered_at IS NOT NULL AND state <> 'declined'",
    ),
    _branch(
        "circle_left",
        _members,
        "ended_at",
        columns(_members, "account_id", "relationship"),
        "ended_at IS NOT NULL AND answered_at IS NOT NULL",
    ),
    _branch("wellbeing_flagged", FLAGS, "opened_at", columns(FLAGS, "measure", "state")),
    _branch(
        "wellbeing_ended",
        FLAGS,
        "ended_at",
        columns(FLAGS, "measure", "opened_at", reason="end_reason"),
        "ended_at IS NOT NULL",
    ),
)
