"""The SQL that reads numbers, with how many are before each and how fast the line moves."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.wall_time import zone
from app.identity.api import organization_name, resident_name
from telemedicine.clinics.models import CLINICS, DEPARTMENTS
from telemedicine.queues import rules
from telemedicine.queues.models import DISPLAYS, TICKETS
from telemedicine.queues.schemas import BoardCall, BoardLine, DeskTicket, DisplayPublic, QueueBoard, TicketPublic

_before = TICKETS.alias("before")
_calls = TICKETS.alias("calls")
_SAME_LINE = sa.and_(_before.c.line_id == TICKETS.c.line_id, _before.c.local_date == TICKETS.c.local_date)
_AHEAD = (
    sa.select(sa.func.count())
    .select_from(_before)
    .where(_SAME_LINE, _before.c.state == sa.literal("waiting", sa.Text), _before.c.number < TICKETS.c.number)
    .correlate(TICKETS)
    .scalar_subquery()
)
_CALLS = (
    sa.select(sa.func.array_agg(_calls.c.called_at))
    .select_from(_calls)
    .where(
        _calls.c.line_id == TICKETS.c.line_id,
        _calls.c.local_date == TICKETS.c.local_date,
        _calls.c.called_at.is_not(None),
    )
    .correlate(TICKETS)
    .scalar_subquery()
)
_SHOWN = sa.select(TICKETS, _AHEAD.label("ahead"), _CALLS.label("calls"))
_IS_OPEN = TICKETS.c.state.in_([sa.literal("waiting", sa.Text), sa.literal("called", sa.Text)])
_ONE = _SHOWN.where(TICKETS.c.id == sa.bindparam("ticket_id", type_=sa.Uuid))
_OF_RESIDENT = (
    _SHOWN.where(
        TICKETS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        TICKETS.c.local_date >= sa.bindparam("since", type_=sa.Date),
        _IS_OPEN,
    )
    .order_by(TICKETS.c.id)
    .limit(100)
)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_today = sa.bindparam("local_date", type_=sa.Date)
_OF_DAY = audit.traced_each(
    _SHOWN.add_columns(resident_name(TICKETS.c.resident_id).label("resident_name"))
    .where(
        TICKETS.c.organization_id == _organization,
        TICKETS.c.local_date == _today,
        TICKETS.c.state == sa.any_(sa.bindparam("states", type_=ARRAY(sa.Text))),
    )
    .order_by(TICKETS.c.line_id, TICKETS.c.number)
    .limit(500),
    "queue:list_day",
)
_BOARD = (
    sa.select(
        TICKETS.c.line_id, DEPARTMENTS.c.name, TICKETS.c.number, TICKETS.c.state, TICKETS.c.room, TICKETS.c.called_at
    )
    .join(DEPARTMENTS, DEPARTMENTS.c.id == TICKETS.c.department_id, isouter=True)
    .where(TICKETS.c.organization_id == _organization, TICKETS.c.local_date == _today, _IS_OPEN)
    .order_by(TICKETS.c.department_id.asc().nulls_first(), TICKETS.c.number)
    .limit(500)
)
_CLINIC = sa.select(
    CLINICS.c.organization_id, CLINICS.c.time_zone, organization_name(CLINICS.c.organization_id).label("clinic")
)
_OF_CLINIC = _CLINIC.where(CLINICS.c.organization_id == _organization)
_OF_DISPLAY = _CLINIC.join(DISPLAYS, DISPLAYS.c.organization_id == CLINICS.c.organization_id).where(
    DISPLAYS.c.digest == sa.bindparam("digest", type_=sa.LargeBinary)
)
_DISPLAYS = (
    sa.select(DISPLAYS.c.id, DISPLAYS.c.name, DISPLAYS.c.created_at)
    .where(DISPLAYS.c.organization_id == _organization)
    .order_by(DISPLAYS.c.id)
)
SHOWN_CALLED: Final = 6
"""How many of the last calls of a line a board shows: more nobody reads from five metres."""
SHOWN_NEXT: Final = 4


async def ticket(connection: AsyncConnection, ticket_id: uuid.UUID) -> TicketPublic:
    """Return a number whose reader's rights were checked; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"ticket_id": ticket_id})).one_or_none()
    if row is None:
        raise NotFound
    return _public(row)


async def of_resident(connection: AsyncConnection, resident_id: uuid.UUID, time_zone: str) -> list[TicketPublic]:
    """Return the numbers somebody has today."""
    today = clock.now().astimezone(zone(time_zone)).date()
    rows = await connection.execute(_OF_RESIDENT, {"resident_id": resident_id, "since": today})
    return [_public(row) for row in rows]


async def of_day(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day: date, *, with_skipped: bool
) -> Sequence[DeskTicket]:
    """Return who waits or was called at a clinic today, line by line, and if asked also who did not come."""
    binds = {
        "organization_id": organization_id,
        "local_date": day,
        "states": ["waiting", "called", *(["skipped"] if with_skipped else [])],
        **audit.trace_each_binds(actor, shown=500, object_id=organization_id),
    }
    rows = await connection.execute(_OF_DAY, binds)
    return [DeskTicket(**_public(row).model_dump(), resident_name=row.resident_name) for row in rows]


async def board(connection: AsyncConnection, organization_id: uuid.UUID) -> QueueBoard:
    """Return what hangs on a clinic's wall; raises ``NotFound``."""
    return await _board(
        connection, (await connection.execute(_OF_CLINIC, {"organization_id": organization_id})).first()
    )


async def board_of_display(connection: AsyncConnection, digest: bytes) -> QueueBoard:
    """Return what the screen shows that is opened with a secret; raises ``NotFound``."""
    return await _board(connection, (await connection.execute(_OF_DISPLAY, {"digest": digest})).first())


async def displays(connection: AsyncConnection, organization_id: uuid.UUID) -> list[DisplayPublic]:
    """Return a clinic's screens, without their secrets."""
    rows = await connection.execute(_DISPLAYS, {"organization_id": organization_id})
    return [DisplayPublic(id=row.id, name=row.name, created_at=row.created_at) for row in rows]


async def _board(connection: AsyncConnection, clinic: Any) -> QueueBoard:
    if clinic is None:
        raise NotFound
    day = clock.now().astimezone(zone(clinic.time_zone)).date()
    binds = {"organization_id": clinic.organization_id, "local_date": day}
    lines: dict[uuid.UUID, list[Any]] = {}
    for row in await connection.execute(_BOARD, binds):
        lines.setdefault(row.line_id, []).append(row)
    shown = [_line(rows) for rows in lines.values()]
    return QueueBoard(clinic=clinic.clinic, time_zone=clinic.time_zone, local_date=day, lines=shown)


def _line(rows: Sequence[Any]) -> BoardLine:
    called = sorted((row for row in rows if row.state == "called"), key=lambda row: row.called_at, reverse=True)
    waiting = [row.number for row in rows if row.state == "waiting"]
    return BoardLine(
        name=rows[0].name,
        called=[BoardCall(number=row.number, room=row.room, called_at=row.called_at) for row in called[:SHOWN_CALLED]],
        next=waiting[:SHOWN_NEXT],
        waiting=len(waiting),
    )


def _public(row: Any) -> TicketPublic:
    waits = row.state == "waiting"
    given = TicketPublic.model_fields.keys() - {"ahead", "wait"}
    ahead = row.ahead if waits else 0
    calls = list(row.calls or ())
    return TicketPublic(
        **{name: getattr(row, name) for name in given},
        ahead=ahead,
        wait=rules.wait(ahead, calls, clock.now()) if waits else timedelta(),
    )
