"""The SQL that reads appointments as clinics' own systems keep them: one, or those they ask for."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, next_cursor
from app.core.statements import HotStatement
from telemedicine.appointments import rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.appointments.schemas import AppointmentEntry
from telemedicine.appointments.views.appointments import (
    INSTANT,
    LIMIT,
    POSITION,
    SHOWN,
    fields,
    paging,
    rows,
    suggesting,
    trace,
)

_KIND: Final = "telemedicine.appointment_entries"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentQuery:
    """Which appointments are meant, of those one may see: nothing given, all."""

    ids: Collection[uuid.UUID] | None = None
    resident_ids: Collection[uuid.UUID] | None = None
    statuses: Collection[str] | None = None
    practitioner_ids: Collection[uuid.UUID] | None = None
    visit_type_ids: Collection[uuid.UUID] | None = None
    location_ids: Collection[uuid.UUID] | None = None
    based_on_ids: Collection[uuid.UUID] | None = None
    starts_since: datetime | None = None
    starts_before: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None
    of_answered: bool = False
    """Only those of clinics that keep their own diaries, and have answered."""

    def binds(self) -> dict[str, Any]:
        """Return it as the parameters of a statement."""
        given = {one.name: getattr(self, one.name) for one in dataclass_fields(self)}
        return {name: list(value) if isinstance(value, Collection) else value for name, value in given.items()}


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _within(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    since, before = (sa.bindparam(f"{name}_{end}", type_=INSTANT) for end in ("since", "before"))
    return sa.and_(sa.or_(since.is_(None), column >= since), sa.or_(before.is_(None), column < before))


# A hold that is over is over, though no worker has written it down yet.
_STANDS: Final = sa.case(
    (APPOINTMENTS.c.hold_until <= sa.bindparam("now", type_=INSTANT), sa.literal("cancelled", sa.Text)),
    else_=APPOINTMENTS.c.status,
)


_CLINICS: Final = (
    sa.func.unnest(sa.bindparam("staff_of", type_=ARRAY(sa.Uuid))).table_valued("id").render_derived("clinic")
)


@cache
def _found(*, of_one: bool, of_answered: bool, descending: bool) -> HotStatement:
    """Return the statement of a page: of one resident's, or of whole clinics'."""
    if of_one:
        whose = APPOINTMENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
        statement = _page(whose, of_answered=of_answered, descending=descending)
    else:
        # A page of each clinic, of which the first make the page: what it costs does not depend on what lies behind.
        whose = APPOINTMENTS.c.organization_id == _CLINICS.c.id
        of_each = _page(whose, of_answered=of_answered, descending=descending).lateral("of_each")
        statement = (
            sa.select(of_each)
            .select_from(_CLINICS.join(of_each, sa.true()))
            .order_by(*_ordered((of_each.c.starts_at, of_each.c.id), descending))
            .limit(LIMIT)
        )
    return HotStatement(audit.traced_each(statement, "appointments:list"))


def _page(whose: sa.ColumnElement[bool], *, of_answered: bool, descending: bool) -> sa.Select[Any]:
    return (
        SHOWN.where(
            whose,
            APPOINTMENTS.c.answered_at.is_not(None) if of_answered else sa.true(),
            _among(APPOINTMENTS.c.id, "ids"),
            _among(APPOINTMENTS.c.resident_id, "resident_ids"),
            _among(_STANDS, "statuses"),
            _among(APPOINTMENTS.c.practitioner_id, "practitioner_ids"),
            _among(APPOINTMENTS.c.visit_type_id, "visit_type_ids"),
            _among(APPOINTMENTS.c.location_id, "location_ids"),
            _among(APPOINTMENTS.c.based_on_id, "based_on_ids"),
            _within(APPOINTMENTS.c.starts_at, "starts"),
            _within(APPOINTMENTS.c.updated_at, "updated"),
            after(*POSITION, descending=descending),
        )
        .order_by(*_ordered((APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id), descending))
        .limit(LIMIT)
    )


def _ordered(columns: Sequence[sa.ColumnElement[Any]], descending: bool) -> list[sa.ColumnElement[Any]]:
    return [column.desc() if descending else column for column in columns]


async def found(
    connection: AsyncConnection,
    actor: Actor,
    query: AppointmentQuery,
    page: PageRequest,
    *,
    resident_id: uuid.UUID | None,
    organization_ids: Sequence[uuid.UUID],
    descending: bool,
) -> Page[AppointmentEntry]:
    """Return a page of a resident's appointments, or without one of those at clinics, in order of time.

    What others than the resident read is on record.
    """
    kind = f"{_KIND}:{descending}"
    binds = {
        **query.binds(),
        **({"resident_id": resident_id} if resident_id else {"staff_of": list(organization_ids)}),
        **paging(kind, page),
        **suggesting(),
        **audit.trace_each_binds(actor, shown=page.limit),
        "now": clock.now(),
    }
    statement = _found(of_one=resident_id is not None, of_answered=query.of_answered, descending=descending)
    of_page = await statement.rows(connection, binds)
    items = [_entry(row) for row in of_page[: page.limit]]
    return Page(items=items, next=next_cursor(kind, of_page, page.limit, ["starts_at", "id"]))


async def entry(connection: AsyncConnection, actor: Actor, subject: Subject) -> AppointmentEntry:
    """Return an appointment as other systems keep it; what others than its resident read of it is on record."""
    (row,) = await rows(connection, [subject.id])
    await trace(connection, actor, subject, "appointment:read")
    return _entry(row)


def _entry(row: Any) -> AppointmentEntry:
    shown = fields(row)
    by: rules.By | None = "nobody" if shown["status"] != row.status else row.cancelled_by
    more = {name: getattr(row, name) for name in ("answered_at", "created_at", "updated_at")}
    # What the database holds is of its types: checking it again costs more than reading it.
    return AppointmentEntry.model_construct(**shown, cancelled_by=by, **more)
