"""The SQL that reads the rota: who can be called at an instant, who is on call over a while, swaps and absences."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import (
    account_name,
    contact_points,
    is_active_account,
    local_calendar,
    not_to_be_called,
    people,
)
from eldercare.care_circle.models import CircleMember
from eldercare.care_circle.rules import hours_of
from eldercare.care_circle.schemas import CircleMemberPublic
from eldercare.care_circle.views import OnCall, accepted_accounts, circle_of
from eldercare.rota.models import RotaAbsence, RotaSwap
from eldercare.rota.rules import Calendar, Circle, Member, Swap, on_call, slots
from eldercare.rota.schemas import AbsencePublic, RotaMember, RotaPublic, SlotPublic, SwapPublic

_members = sa.inspect(CircleMember).local_table
_absences = sa.inspect(RotaAbsence).local_table
_swaps = sa.inspect(RotaSwap).local_table

_INSTANT = sa.DateTime(timezone=True)
_MARGIN = timedelta(days=2)  # a local day may begin that much earlier, or end that much later, than one of ours
_since = sa.bindparam("since", type_=_INSTANT)
_until = sa.bindparam("until", type_=_INSTANT)
_member_id = sa.bindparam("member_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)

_away = (
    sa.select(sa.func.jsonb_agg(sa.func.jsonb_build_array(_absences.c.starts_on, _absences.c.ends_on)))
    .where(
        _absences.c.member_id == _members.c.id,
        _absences.c.ends_on >= sa.bindparam("first", type_=sa.Date),
        _absences.c.starts_on <= sa.bindparam("last", type_=sa.Date),
    )
    .correlate(_members)
    .scalar_subquery()
)
_given = (
    sa.select(sa.func.jsonb_agg(sa.func.jsonb_build_array(_swaps.c.taker_id, _swaps.c.starts_at, _swaps.c.ends_at)))
    .where(
        _swaps.c.giver_id == _members.c.id,
        _swaps.c.state == "accepted",
        _swaps.c.starts_at < _until,
        _swaps.c.ends_at > _since,
    )
    .correlate(_members)
    .scalar_subquery()
)
_CIRCLES = (
    sa.select(
        _members.c.id,
        _members.c.community_id,
        _members.c.resident_id,
        _members.c.account_id,
        _members.c.on_call,
        _members.c.time_zone,
        sa.type_coerce(_away, JSONB).label("away"),
        sa.type_coerce(_given, JSONB).label("given"),
    )
    .where(
        _members.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        _members.c.state == "accepted",
        is_active_account(_members.c.account_id),
    )
    .order_by(_members.c.resident_id, _members.c.position, _members.c.id)
)
_OWN = sa.select(_members).where(
    _members.c.id == _member_id,
    _members.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
    _members.c.state == "accepted",
)
_ABSENCES = (
    sa.select(_absences)
    .where(
        _absences.c.member_id == _member_id,
        after((_absences.c.ends_on, _absences.c.id), ("after_on", "after_id"), descending=True),
    )
    .order_by(_absences.c.ends_on.desc(), _absences.c.id.desc())
    .limit(_limit)
)
_SWAP = sa.select(
    _swaps,
    account_name(_swaps.c.giver_account_id).label("giver_name"),
    account_name(_swaps.c.taker_account_id).label("taker_name"),
)
_SWAPS = (
    _SWAP.where(
        sa.or_(_swaps.c.giver_id == _member_id, _swaps.c.taker_id == _member_id),
        after((_swaps.c.ends_at, _swaps.c.id), ("after_at", "after_id"), descending=True),
    )
    .order_by(_swaps.c.ends_at.desc(), _swaps.c.id.desc())
    .limit(_limit)
)
_ONE_SWAP = _SWAP.where(_swaps.c.id == sa.bindparam("swap_id", type_=sa.Uuid))


async def on_call_members(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], at: datetime
) -> dict[uuid.UUID, list[OnCall]]:
    """Return for each resident who can be called at the instant, in the resident's order."""
    found = await circles(connection, resident_ids, at, at + timedelta(microseconds=1))
    return {
        resident_id: [OnCall(member.member_id, member.account_id) for member in on_call(circle, at)]
        for resident_id, circle in found.items()
    }


async def reachable(
    connection: AsyncConnection, resident_id: uuid.UUID, at: datetime
) -> list[tuple[CircleMemberPublic, bool, list[str]]]:
    """Return everybody of the circle who accepted: whether they are on call then, and the numbers to call them at.

    In the resident's order, those whose account is active; whoever hears no calls is there without a number.
    """
    active = set(await accepted_accounts(connection, resident_id))
    on_call_then = {one.account_id for one in (await on_call_members(connection, [resident_id], at))[resident_id]}
    points, silent = await contact_points(connection, active), await not_to_be_called(connection, active)
    spoken = {
        account_id: [point.value for point in found if "voice" in point.capabilities and account_id not in silent]
        for account_id, found in points.items()
    }
    return [
        (member, member.account_id in on_call_then, spoken[member.account_id])
        for member in await circle_of(connection, resident_id)
        if member.account_id in active
    ]


async def circles(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> dict[uuid.UUID, Circle]:
    """Return what decides who of each resident's circle is on call from ``since`` to ``until``."""
    wanted = list(resident_ids)
    first, last = (since - _MARGIN).date(), (until + _MARGIN).date()
    binds = {"resident_ids": wanted, "since": since, "until": until, "first": first, "last": last}
    rows = (await connection.execute(_CIRCLES, binds)).all()
    calendars: dict[uuid.UUID, Calendar] = {}
    # The calendar matters only to who has hours; most people can be called at any time.
    for community_id in {row.community_id for row in rows if row.on_call}:
        days = await local_calendar(connection, community_id, first, last)
        calendars[community_id] = {day.day: day.is_workday for day in days}
    members: dict[uuid.UUID, list[Member]] = {resident_id: [] for resident_id in wanted}
    swaps: dict[uuid.UUID, list[Swap]] = {resident_id: [] for resident_id in wanted}
    homes: dict[uuid.UUID, uuid.UUID] = {}
    for row in rows:
        homes[row.resident_id] = row.community_id
        members[row.resident_id].append(_member(row))
        swaps[row.resident_id] += [
            Swap(row.id, uuid.UUID(taker), datetime.fromisoformat(start), datetime.fromisoformat(end))
            for taker, start, end in row.given or ()
        ]
    return {
        resident_id: Circle(
            tuple(members[resident_id]),
            tuple(swaps[resident_id]),
            calendars.get(homes[resident_id], {}) if resident_id in homes else {},
        )
        for resident_id in wanted
    }


def _member(row: Any) -> Member:
    away = tuple((date.fromisoformat(first), date.fromisoformat(last)) for first, last in row.away or ())
    return Member(row.id, row.account_id, tuple(hours_of(row.on_call)), row.time_zone, away)


async def rota(connection: AsyncConnection, resident_id: uuid.UUID, since: datetime, until: datetime) -> RotaPublic:
    """Return who of a resident's circle is on call from ``since`` to ``until``."""
    circle = (await circles(connection, [resident_id], since, until))[resident_id]
    known = await people(connection, [member.account_id for member in circle.members])

    def shown(members: Iterable[Member]) -> list[RotaMember]:
        return [RotaMember(member_id=one.member_id, name=known[one.account_id].name) for one in members]

    return RotaPublic(
        since=since,
        until=until,
        members=shown(circle.members),
        slots=[
            SlotPublic(starts_at=slot.starts_at, ends_at=slot.ends_at, on_call=shown(slot.members))
            for slot in slots(circle, since, until)
        ],
    )


async def own_member(connection: AsyncConnection, actor: Actor, member_id: uuid.UUID) -> Any:
    """Return the actor's own membership in a circle; raises ``NotFound`` for others' and until they accepted."""
    row = (await connection.execute(_OWN, {"member_id": member_id, "account_id": actor.id})).one_or_none()
    if row is None:
        raise NotFound
    return row


async def absences(connection: AsyncConnection, member_id: uuid.UUID, page: PageRequest) -> Page[AbsencePublic]:
    """Return a page of a member's absences, the last to end first."""
    kind = "eldercare.rota_absences"
    ends_on, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    binds = {
        "member_id": member_id,
        "limit": page.limit + 1,
        "after_on": date.fromisoformat(ends_on) if ends_on else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = (await connection.execute(_ABSENCES, binds)).all()
    items = [AbsencePublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("ends_on", "id")))


async def swaps_with(connection: AsyncConnection, member_id: uuid.UUID, page: PageRequest) -> Page[SwapPublic]:
    """Return a page of the swaps in which a member gives or takes a turn, the last to end first."""
    kind = "eldercare.rota_swaps"
    ends_at, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    binds = {
        "member_id": member_id,
        "limit": page.limit + 1,
        "after_at": datetime.fromisoformat(ends_at) if ends_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = (await connection.execute(_SWAPS, binds)).all()
    items = [SwapPublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("ends_at", "id")))


async def swap(connection: AsyncConnection, swap_id: uuid.UUID) -> SwapPublic:
    """Return a swap; raises ``NotFound``."""
    row = (await connection.execute(_ONE_SWAP, {"swap_id": swap_id})).one_or_none()
    if row is None:
        raise NotFound
    return SwapPublic.model_validate(row)


def view_period(since: datetime | None, days: int) -> tuple[datetime, datetime]:
    """Return the time a rota is shown for: from now, unless told otherwise."""
    start = since or clock.now()
    return start, start + timedelta(days=days)
