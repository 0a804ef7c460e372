"""A season of slots is made of its template, and made anew when that has changed: what is sold stays."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.recurrence import Recurrence
from app.identity.api import local_calendar
from app.reservations.api import NewPool, Overbooking, open_pools, pools
from community.attractions.access import require_of
from community.ticketing.models import SlotTemplate
from community.ticketing.repository import rows, seasons
from community.ticketing.rules import SLOT_POOL, Planned, planned
from community.ticketing.schemas.shown import SeasonGenerated
from community.ticketing.service import guiding, quotas
from community.ticketing.service.limits import resize_slots

Ahead = Mapping[datetime, sa.Row[Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the slots ahead: those there are not yet, those that are otherwise, those no longer meant."""

    missing: list[Planned]
    otherwise: dict[uuid.UUID, Planned]
    gone: list[uuid.UUID]
    kept: int


async def generate(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    template_id: uuid.UUID,
    overbook_reason: str | None,
) -> SeasonGenerated:
    """Make a template's slots ahead as it says by now; return what became of them. Asked again, nothing changes.

    Of slots that are not in it any more those that sold something stay open, and the others are closed. What was
    changed by hand, or cancelled, is left alone. Raises ``NotFound``, ``MoreIsSold`` for a capacity below what is sold
    (unless there is a reason for it), and ``CalendarTaken`` for a tour that gets longer than its guide has time; then
    nothing is done.
    """
    template = await rows.locked(session, SlotTemplate, organization_id, template_id)
    attraction = await require_of(await session.connection(), organization_id, template.attraction_id)
    await rows.lock_attraction(session, template.attraction_id)
    wanted = await plan(connection_of(session), template, attraction.time_zone)
    change = compare(template, wanted, await seasons.ahead(session, template.id))
    created = await _make(session, template, change.missing)
    changed, left = await _set(session, actor, template, change.otherwise, overbook_reason)
    closed = await _close(session, change.gone)
    left_out = await quotas.cover(session, template.attraction_id)
    await audit.record(session, actor, "slot_template:generate", object_id=template.id)
    return SeasonGenerated(
        created=created,
        changed=changed,
        closed=closed,
        kept=change.kept + left + len(change.gone) - closed,
        uncovered=len({row.slot_id for row in left_out if row.template_id == template.id}),
    )


async def plan(connection: AsyncConnection, template: SlotTemplate, time_zone: str) -> list[Planned]:
    """Return the slots ahead that a template has on the attraction's wall, in order; one at rest has none."""
    if not template.is_active:
        return []
    calendar: dict[date, bool] = {}
    if template.holidays != "ignore":
        found = await local_calendar(connection, template.community_id, template.starts_on, template.ends_on)
        calendar = {one.day: one.is_workday for one in found}
    recurrence = Recurrence(
        times=tuple(template.times),
        weekdays=frozenset(template.weekdays),
        starts_on=template.starts_on,
        ends_on=template.ends_on,
        holidays=template.holidays,  # type: ignore[arg-type]  # as the table has it
    )
    return planned(
        recurrence,
        template.duration,
        template.entry_within,
        time_zone,
        clock.now(),
        calendar,
        except_on=frozenset(template.except_on),
    )


def compare(template: SlotTemplate, wanted: list[Planned], there: Ahead) -> Change:
    """Return what becomes of the slots that are ``there`` where a template has the ``wanted`` ones."""
    missing = [one for one in wanted if one.starts_at not in there]
    otherwise, kept = {}, 0
    for one in wanted:
        row = there.get(one.starts_at)
        if row is None:
            continue
        if _is_left_alone(row):
            kept += 1
        elif not _is_like(template, one, row):
            otherwise[row.id] = one
    meant = {one.starts_at for one in wanted}
    gone = [row for at, row in there.items() if at not in meant]
    kept += sum(_is_left_alone(row) for row in gone)
    return Change(missing, otherwise, [row.id for row in gone if not _is_left_alone(row) and row.state == "open"], kept)


def _is_left_alone(row: sa.Row[Any]) -> bool:
    return bool(row.is_own) or row.state == "cancelled"


def _is_when(one: Planned, row: sa.Row[Any]) -> bool:
    return bool((row.ends_at, row.entry_until) == (one.ends_at, one.entry_until))


def _is_like(template: SlotTemplate, one: Planned, row: sa.Row[Any]) -> bool:
    return (
        row.state == "open"
        and _is_when(one, row)
        and (row.capacity, row.language) == (template.capacity, template.language)
        and list(row.product_ids) == list(template.product_ids)
    )


async def _make(session: AsyncSession, template: SlotTemplate, missing: list[Planned]) -> int:
    if missing:
        ids = [clock.new_id() for _ in missing]
        wanted = [NewPool(one, template.capacity, at.ends_at) for one, at in zip(ids, missing, strict=True)]
        opened = await open_pools(session, community_id=template.community_id, kind=SLOT_POOL, pools=wanted)
        await seasons.make(session, template, missing, ids, opened)
    return len(missing)


async def _set(
    session: AsyncSession,
    actor: Actor,
    template: SlotTemplate,
    otherwise: dict[uuid.UUID, Planned],
    overbook_reason: str | None,
) -> tuple[int, int]:
    """Let slots be as they are planned by now; return how many were, and how many somebody else had got hold of."""
    before = await seasons.lock(session, otherwise)
    before = {one: row for one, row in before.items() if not _is_left_alone(row)}
    if before:
        overbooking = Overbooking(actor, overbook_reason) if overbook_reason else None
        resized = {row.id: template.capacity for row in before.values() if row.capacity != template.capacity}
        await seasons.set_like(session, template, [otherwise[one] for one in before], list(before))
        moved = [row for one, row in before.items() if not _is_when(otherwise[one], row)]
        await seasons.tell_moved(session, moved)
        if template.language is None:
            await guiding.release(session, list(before))
        await guiding.follow(session, actor, [row.id for row in moved])
        await resize_slots(session, before, resized, overbooking)
    return len(before), len(otherwise) - len(before)


async def _close(session: AsyncSession, gone: list[uuid.UUID]) -> int:
    """Close those of which nothing is sold; return how many."""
    locked = await seasons.lock(session, gone)
    states = await pools(connection_of(session), [row.pool_id for row in locked.values()])
    unsold = [
        row.id for row in locked.values() if row.state == "open" and not row.is_own and states[row.pool_id].taken == 0
    ]
    if unsold:
        await seasons.close(session, unsold)
        await guiding.release(session, unsold)
    return len(unsold)
