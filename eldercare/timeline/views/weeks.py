"""The SQL that counts a week: who of the circles hears of it, and what happened in numbers each may see."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core import clock
from app.core.tables import table_of
from app.core.timelines import Branch
from app.identity.api import granted_accounts
from eldercare.care_circle.models import CircleMember
from eldercare.timeline.models import WeeklySummary
from eldercare.timeline.rules.kinds import SCOPE_OF, Kind
from eldercare.timeline.views.branches import BRANCHES

_INSTANT = sa.DateTime(timezone=True)
_summaries = table_of(WeeklySummary)
_members = table_of(CircleMember)

_COUNTED: Final[dict[str, tuple[Kind, ...]]] = {
    "answered": ("check_in_answered",),
    "by_home": ("check_in_answered",),
    "unanswered": ("check_in_missed",),
    "alarms": ("alarm_raised",),
    "taken": ("dose_taken",),
    "not_taken": ("dose_skipped", "dose_missed"),
    "visits": ("visit_completed",),
    "visits_missed": ("visit_missed",),
    "changes": ("wellbeing_flagged",),
}

_weeks = (
    sa.func.unnest(
        sa.bindparam("summary_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("week_sinces", type_=ARRAY(_INSTANT)),
        sa.bindparam("week_untils", type_=ARRAY(_INSTANT)),
    )
    .table_valued(sa.column("id", sa.Uuid), sa.column("since", _INSTANT), sa.column("until", _INSTANT))
    .render_derived("weeks")
)
"""The bound summaries, each with the week it tells of."""


def _count(branch: Branch, name: str) -> sa.ColumnElement[int]:
    """Return how many items of a kind a summary's week has, 0 for whoever may not see them."""
    allowed = granted_accounts(SCOPE_OF[branch.kind]).subquery()
    may = sa.exists(
        sa.select(sa.literal_column("1"))
        .select_from(allowed)
        .where(allowed.c.resident_id == _summaries.c.resident_id, allowed.c.account_id == _summaries.c.account_id)
        .correlate(_summaries)
    )
    happened = sa.and_(
        branch.table.c.resident_id == _summaries.c.resident_id,
        branch.instant >= _weeks.c.since,
        branch.instant < _weeks.c.until,
    )
    found = sa.select(sa.func.count()).select_from(branch.table).where(happened)
    if branch.where is not None:
        found = found.where(sa.literal_column(f"({branch.where})", sa.Boolean))
    if branch.kind == "check_in_answered":  # by people, or by what moved in their homes: never one for the other
        is_by_home = branch.table.c.how.is_not_distinct_from(sa.literal_column("'home'"))
        found = found.where(is_by_home if name == "by_home" else sa.not_(is_by_home))
    if branch.kind == "alarm_raised":
        found = found.where(sa.not_(branch.table.c.is_test))
    return sa.case((may, found.correlate(_summaries, _weeks).scalar_subquery()), else_=0)


def _number(name: str, kinds: tuple[Kind, ...]) -> sa.ColumnElement[int]:
    first, *others = [_count(branch, name) for branch in BRANCHES if branch.kind in kinds]
    for other in others:
        first += other
    return first


_numbers = (
    sa.select(
        _summaries.c.id,
        _summaries.c.account_id,
        _summaries.c.community_id,
        _summaries.c.resident_id,
        _summaries.c.member_id,
        _summaries.c.send_at,
        *(_number(name, kinds).label(name) for name, kinds in _COUNTED.items()),
    )
    .join_from(_summaries, _weeks, _weeks.c.id == _summaries.c.id)
    .join(_members, sa.and_(_members.c.id == _summaries.c.member_id, _members.c.state == "accepted"))
    .subquery("numbers")
)
_pairs = [part for name in _COUNTED for part in (sa.literal_column(f"'{name}'"), _numbers.c[name])]
TOLD: Final = sa.select(
    _numbers.c.account_id,
    _numbers.c.community_id,
    sa.func.concat(
        "weekly_summary:",
        sa.cast(_numbers.c.member_id, sa.Text),
        ":",
        sa.cast(sa.cast(_numbers.c.send_at, sa.Date), sa.Text),
    ).label("dedupe_key"),
    sa.func.jsonb_build_object(
        sa.literal_column("'resident'"), sa.cast(_numbers.c.resident_id, sa.Text), *_pairs, type_=JSONB
    ).label("variables"),
    sa.func.jsonb_build_object(
        sa.literal_column("'resident_id'"), sa.cast(_numbers.c.resident_id, sa.Text), type_=JSONB
    ).label("data"),
    _numbers.c.resident_id.label("about"),
).where(sa.or_(*(_numbers.c[name] > 0 for name in _COUNTED)))
"""Who is told what of the last week, of the bound summaries: members whose numbers are not all nought."""


def told_binds(weeks: Mapping[uuid.UUID, tuple[datetime, datetime]]) -> dict[str, object]:
    """Return the parameters of ``TOLD`` for summaries, given with the week each tells of."""
    return {
        "summary_ids": list(weeks),
        "week_sinces": [since for since, _ in weeks.values()],
        "week_untils": [until for _, until in weeks.values()],
        "granted_at": clock.now(),
    }
