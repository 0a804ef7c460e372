"""How everybody is at a glance, and pages of a group: one statement each, which leaves a trace of whom it showed."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, get_args

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, encode_cursor, next_cursor
from app.core.statements import HotStatement
from app.identity.api import actor_binds
from app.identity.api import cared_for as people
from eldercare.alarms.models import Severity
from eldercare.overview.rules import ATTENTION, CASES, GROUPS, LATEST_SETTLED, LATEST_VISIT, LONGEST_DAY, Group
from eldercare.overview.schemas import CareOverview, EndedAlarm, GroupToday, OpenAlarm, PersonToday
from eldercare.overview.views.standing import (
    CONTACTS_READ,
    OF_ONE,
    PROFILE_READ,
    SCOPES,
    instant_of,
    is_in,
    last_ended,
    number_of_group,
    places,
    standing,
)
from eldercare.visits.rules import EARLY

FIRST: Final = 12
"""So many of each group are shown at a glance."""

_CURSOR: Final = "eldercare.care_overview"
_ORDER: Final = ("group_number", "urgency", "sort_at", "sort_name", "resident_id")
_TRACE: Final = "care_overview:read"
_limit = sa.bindparam("limit", type_=sa.Integer)
_each = sa.bindparam("each", type_=sa.Integer)


def _ordered(of: sa.CTE) -> sa.Select[Any]:
    """Return everybody with their position: the worst first, then whoever waits longest; the others by name."""
    needs_look = sa.or_(*(is_in(of.c.place, group) for group in GROUPS if group in ATTENTION))
    at = instant_of(of)
    epoch = sa.literal_column("CAST('1970-01-01 00:00:00+00' AS timestamptz)", sa.DateTime(timezone=True))
    urgency = sa.case((of.c.place == 0, -of.c.alarm_severity), else_=0)
    return sa.select(
        of,
        at.label("at"),
        number_of_group(of.c.place).label("group_number"),
        sa.cast(urgency, sa.Integer).label("urgency"),
        sa.case((needs_look, at), else_=epoch).label("sort_at"),
        sa.case((needs_look, sa.literal_column("''", sa.Text)), else_=sa.func.lower(of.c.name)).label("sort_name"),
    )


def _shown(rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the columns of a person as they are shown: what belongs to the profile only under its scope."""
    may_know, may_call = rows.c[people.may(PROFILE_READ)], rows.c[people.may(CONTACTS_READ)]
    age = sa.cast(sa.extract("year", sa.func.age(rows.c.today, rows.c.birth_date)), sa.Integer)
    return [
        *(rows.c[name] for name in (*_ORDER, "name", "place", "at", "answer_by", "away_until")),
        *(rows.c[name] for name in ("alarm_id", "alarm_kind", "alarm_severity", "alarm_state")),
        sa.case((may_know, age)).label("age"),
        sa.case((may_know, people.building_of(rows.c.household_id))).label("building"),
        sa.case((sa.and_(may_call, rows.c.is_called), people.number_of(rows.c.account_id))).label("number"),
        last_ended(rows).label("ended"),
    ]


def _overview(kind: people.Kind) -> HotStatement:
    everybody = standing(kind)
    counts = sa.select(
        *(
            sa.func.count().filter(is_in(everybody.c.place, group)).label(f"count_{number}")
            for number, group in enumerate(GROUPS)
        )
    ).select_from(everybody)
    counted = counts.cte("counted")
    # A group of thousands of whom nobody need look after one is not sorted to show its first.
    is_shown = [
        is_in(everybody.c.place, group)
        if group in ATTENTION
        else sa.and_(is_in(everybody.c.place, group), counted.c[f"count_{number}"] <= _each)
        for number, group in enumerate(GROUPS)
    ]
    listed = _ordered(everybody).join(counted, sa.true()).where(sa.or_(*is_shown)).subquery("listed")
    position = [listed.c[name] for name in _ORDER]
    ranked = sa.select(
        listed, sa.func.row_number().over(partition_by=listed.c.group_number, order_by=position).label("rank")
    ).subquery("ranked")
    first = sa.select(*_shown(ranked)).where(ranked.c.rank <= _each).subquery("first")
    # Counted even where nobody is shown.
    rows = sa.select(counted, first).select_from(counted.outerjoin(first, sa.true()))
    return HotStatement(audit.traced_each(rows.order_by(*(first.c[name] for name in _ORDER)), _TRACE))


@cache
def _page(kind: people.Kind, *, of_one: bool = False) -> HotStatement:
    everybody = standing(kind, of_one=of_one)
    places_meant = everybody.c.place.between(
        sa.bindparam("first_place", type_=sa.Integer), sa.bindparam("last_place", type_=sa.Integer)
    )
    rows = _ordered(everybody).where(places_meant).subquery("rows_in_order")
    sought = sa.bindparam("sought", type_=sa.Text)
    position = [rows.c[name] for name in _ORDER]
    page = (
        sa.select(rows)
        .where(
            sa.or_(sought.is_(None), sa.func.strpos(sa.func.lower(rows.c.name), sa.func.lower(sought)) > 0),
            after(position, [f"after_{name}" for name in _ORDER]),
        )
        .order_by(*position)
        .limit(_limit + 1)
        .subquery("page_rows")
    )
    shown = sa.select(*_shown(page)).order_by(*(page.c[name] for name in _ORDER))
    return HotStatement(audit.traced_each(shown, _TRACE))


_OVERVIEWS: Final = {kind: _overview(kind) for kind in get_args(people.Kind)}


def overview_statement(actor: Actor) -> tuple[HotStatement, dict[str, Any]]:
    """Return the statement of the actor's overview with its parameters."""
    return _OVERVIEWS[people.kind_of(actor)], _binds(actor, shown=FIRST * len(GROUPS)) | {"each": FIRST}


async def overview(connection: AsyncConnection, actor: Actor) -> CareOverview:
    """Return how everybody is today whom the actor looks after; whom it shows it puts on record."""
    statement, binds = overview_statement(actor)
    rows = await statement.rows(connection, binds)
    counts = [getattr(rows[0], f"count_{number}") for number in range(len(GROUPS))]
    groups = []
    for number, group in enumerate(GROUPS):
        items = [row for row in rows if row.group_number == number]
        goes_on = bool(items) and len(items) < counts[number]
        cursor = encode_cursor(_CURSOR, [getattr(items[-1], name) for name in _ORDER]) if goes_on else None
        groups.append(GroupToday(group=group, count=counts[number], items=[*map(_person, items)], next=cursor))
    return CareOverview(count=sum(counts), groups=groups)


async def people_today(
    connection: AsyncConnection,
    actor: Actor,
    page: PageRequest,
    *,
    group: Group | None,
    name: str | None,
    resident_id: uuid.UUID | None = None,
) -> Page[PersonToday]:
    """Return a page of those the actor looks after: of a group, of those whose name holds ``name``, of one resident.

    Each of them is put on record.
    """
    first, last = (0, len(CASES)) if group is None else places(group)
    binds = _binds(actor, shown=page.limit) | {
        "limit": page.limit,
        "first_place": first,
        "last_place": last,
        "sought": name,
        **_position(page.cursor),
    }
    of_one = {} if resident_id is None else {OF_ONE: resident_id}
    statement = _page(people.kind_of(actor), of_one=resident_id is not None)
    rows = await statement.rows(connection, binds | of_one)
    return Page(items=[*map(_person, rows[: page.limit])], next=next_cursor(_CURSOR, rows, page.limit, _ORDER))


def _binds(actor: Actor, *, shown: int) -> dict[str, Any]:
    now = clock.now()
    day_from = now - LONGEST_DAY
    return {
        **actor_binds(actor, people.BIND_SCOPE, *SCOPES),
        **audit.trace_each_binds(actor, shown=shown),
        "own_resident": actor.resident_id,
        "community_id": actor.community_id,
        "now": now,
        "day_from": day_from,
        "settled_from": day_from - LATEST_SETTLED,
        "visits_from": day_from - LATEST_VISIT,
        "visits_until": now + EARLY,  # who came before their time is there already
        "day_until": now + LONGEST_DAY,
    }


def _position(cursor: str | None) -> Mapping[str, Any]:
    if cursor is None:
        return dict.fromkeys(f"after_{name}" for name in _ORDER)
    values: Sequence[Any] = decode_cursor(_CURSOR, cursor)
    found = dict(zip((f"after_{name}" for name in _ORDER), values, strict=True))
    return found | {
        "after_sort_at": datetime.fromisoformat(found["after_sort_at"]),
        "after_resident_id": uuid.UUID(found["after_resident_id"]),
    }


def _person(row: Any) -> PersonToday:
    case = CASES[row.place]
    until = {"waiting": row.answer_by, "away": row.away_until}.get(case.group)
    alarm = None
    if case.reason == "alarm":
        severity = Severity(row.alarm_severity).label
        alarm = OpenAlarm(id=row.alarm_id, kind=row.alarm_kind, severity=severity, state=row.alarm_state)
    return PersonToday(
        resident_id=row.resident_id,
        name=row.name,
        age=row.age,
        building=row.building,
        group=case.group,
        reason=case.reason,
        at=None if case.reason == "not_asked" else row.at,
        until=until,
        alarm=alarm,
        ended=None if alarm or row.ended is None else EndedAlarm.model_validate(row.ended),
        phone=people.shown_number(row.number) if row.number else None,
    )
