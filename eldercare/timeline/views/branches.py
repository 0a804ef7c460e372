"""One select per kind of item: each a backward scan of an index by resident and instant that stops after a page."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.changes import written_before, written_since
from app.core.tables import table_of
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

_INSTANT = sa.DateTime(timezone=True)

_check_ins = table_of(CheckIn)
_alarms = table_of(Alarm)
_members = table_of(CircleMember)

RESIDENT: Final = sa.bindparam("of_resident", type_=sa.Uuid)
ROWS: Final = sa.bindparam("rows", type_=sa.Integer)
KINDS: Final = sa.bindparam("kinds", type_=ARRAY(sa.Text))
SINCE: Final = sa.bindparam("since_at", type_=_INSTANT)
BEFORE: Final = sa.tuple_(
    sa.bindparam("before_at", type_=_INSTANT),
    sa.bindparam("before_id", type_=sa.Uuid),
    sa.bindparam("before_rank", type_=sa.Integer),
)


@dataclass(frozen=True, slots=True)
class Branch:
    """Where the items of a kind are: rows of ``table`` for which ``where`` holds, at the instant in ``at``.

    ``where`` is written as the partial index has it, so that PostgreSQL knows it again.
    """

    kind: Kind
    table: sa.Table
    at: str
    data: tuple[tuple[str, sa.ColumnElement[Any]], ...]
    where: str | None = None

    @property
    def instant(self) -> sa.ColumnElement[Any]:
        """The column that says when it happened."""
        return self.table.c[self.at]

    @property
    def rank(self) -> sa.ColumnElement[int]:
        """The kind's place among items of one row and instant."""
        return sa.literal_column(str(RANKS[self.kind]), sa.Integer)

    def items(self) -> sa.Select[Any]:
        """Return the select of the resident's items of the kind, if it is among the bound kinds."""
        kind = sa.literal_column(f"CAST('{self.kind}' AS text)", sa.Text)
        pairs = [part for name, column in self.data for part in (sa.literal_column(f"'{name}'"), column)]
        statement = sa.select(
            kind.label("kind"),
            self.rank.label("rank"),
            self.table.c.id.label("id"),
            self.instant.label("at"),
            sa.func.jsonb_build_object(*pairs, type_=JSONB).label("data"),
        ).where(self.table.c.resident_id == RESIDENT, kind == sa.any_(KINDS))
        return statement if self.where is None else statement.where(sa.literal_column(f"({self.where})", sa.Boolean))

    def page(self) -> sa.Select[Any]:
        """Return the select of the latest bound number of items before the bound position."""
        position = sa.tuple_(self.instant, self.table.c.id, self.rank)
        return (
            self.items()
            .where(self.instant >= SINCE, position < BEFORE)
            .order_by(self.instant.desc(), self.table.c.id.desc())
            .limit(ROWS)
        )

    def written(self) -> sa.Select[Any]:
        """Return the select of the items that the bound transactions wrote, or that have happened since ``told_to``."""
        in_time = sa.and_(self.instant >= SINCE, self.instant <= sa.bindparam("before_at", type_=_INSTANT))
        is_news = sa.or_(written_since(self.table), self.instant > sa.bindparam("told_to", type_=_INSTANT))
        return self.items().where(in_time, is_news, written_before(self.table))


def _columns(table: sa.Table, *names: str, **renamed: str) -> tuple[tuple[str, sa.ColumnElement[Any]], ...]:
    return tuple((name, table.c[column]) for name, column in ({name: name for name in names} | renamed).items())


_CHECK_IN: Final = ("plan_id", "due_at", "channel")
_DOSE: Final = ("regimen_id", "due_at", "critical")
_VISIT: Final = ("organization_id", "starts_at", "ends_at")

BRANCHES: Final = (
    Branch(
        "check_in_answered",
        _check_ins,
        "answered_at",
        _columns(_check_ins, *_CHECK_IN, "answer", "how", "late", "answered_by"),
        "state = 'answered'",
    ),
    Branch(
        "check_in_missed",
        _check_ins,
        "closed_at",
        (*_columns(_check_ins, *_CHECK_IN), ("was_asked", _check_ins.c.asked_at.is_not(None))),
        "closed_at IS NOT NULL AND excuse IS NULL",
    ),
    Branch(
        "pause_started",
        ABSENCES,
        "starts_at",
        _columns(ABSENCES, "ends_at", "created_by", pause="kind"),
        # One that was taken back before it began never was.
        "ended_at IS NULL OR ended_at > starts_at",
    ),
    Branch("pause_ended", ABSENCES, "ends_at", _columns(ABSENCES, "starts_at", pause="kind"), "ended_at IS NULL"),
    Branch(
        "pause_ended",
        ABSENCES,
        "ended_at",
        _columns(ABSENCES, "starts_at", "ended_by", pause="kind"),
        "ended_at > starts_at",
    ),
    Branch(
        "alarm_raised",
        _alarms,
        "raised_at",
        (
            *_columns(_alarms, "severity", "is_test", "state", "raised_by", alarm="kind"),
            ("signals", signal_kinds(_alarms.c.id)),
        ),
    ),
    Branch(
        "alarm_closed",
        _alarms,
        "closed_at",
        _columns(_alarms, "severity", "is_test", "state", "outcome", "closed_by", "raised_at", alarm="kind"),
        "closed_at IS NOT NULL",
    ),
    Branch(
        "dose_taken",
        DOSES,
        "taken_at",
        _columns(DOSES, *_DOSE, "how", "late", "recorded_by", dose="kind"),
        "state = 'taken'",
    ),
    Branch(
        "dose_skipped",
        DOSES,
        "recorded_at",
        _columns(DOSES, *_DOSE, "recorded_by", reason="skip_reason"),
        "state = 'skipped'",
    ),
    Branch("dose_missed", DOSES, "closed_at", _columns(DOSES, *_DOSE), "state = 'missed'"),
    Branch("visit_started", VISITS, "started_at", _columns(VISITS, *_VISIT), "started_at IS NOT NULL"),
    Branch(
        "visit_completed", VISITS, "completed_at", _columns(VISITS, *_VISIT, "started_at"), "completed_at IS NOT NULL"
    ),
    Branch("visit_missed", VISITS, "closed_at", _columns(VISITS, *_VISIT, "is_critical"), "state = 'missed'"),
    Branch(
        "goal_changed",
        GOAL_CHANGES,
        "changed_at",
        _columns(GOAL_CHANGES, "goal_id", "changed_by", status="lifecycle_status"),
        "lifecycle_status IS NOT NULL",
    ),
    Branch(
        "goal_judged",
        GOAL_CHANGES,
        "changed_at",
        _columns(GOAL_CHANGES, "goal_id", "changed_by", "judged_on", status="achievement_status"),
        "achievement_status IS NOT NULL",
    ),
    Branch(
        "circle_joined",
        _members,
        "answered_at",
        _columns(_members, "account_id", "relationship"),
        "answered_at IS NOT NULL AND state <> 'declined'",
    ),
    Branch(
        "circle_left",
        _members,
        "ended_at",
        _columns(_members, "account_id", "relationship"),
        "ended_at IS NOT NULL AND answered_at IS NOT NULL",
    ),
    Branch("wellbeing_flagged", FLAGS, "opened_at", _columns(FLAGS, "measure", "state")),
    Branch(
        "wellbeing_ended",
        FLAGS,
        "ended_at",
        _columns(FLAGS, "measure", "opened_at", reason="end_reason"),
        "ended_at IS NOT NULL",
    ),
)
