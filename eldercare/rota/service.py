"""Changing the rota: hours, absences, swaps; and telling of hours that nobody has before they come."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor, system_actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.touching import touch
from app.identity.api import (
    duty_desk,
    operator_staff,
    organization_members,
    organizations_serving,
    require_resident,
)
from eldercare.care_circle.models import CircleMember
from eldercare.rota import repository
from eldercare.rota.models import RotaAbsence, RotaSwap, RotaWatch
from eldercare.rota.notices import CIRCLE_EMPTY, GAP, OWN_CIRCLE_EMPTY, SWAP_CHANGED, SWAP_OFFERED
from eldercare.rota.problems import SwapOver, SwapOverlaps, TakerAway
from eldercare.rota.rules import LOOKED_AGAIN, LOOKED_AHEAD, SWAP_TRANSITIONS, Circle, Slot, gaps, unusual_gaps
from eldercare.rota.schemas import AbsenceAdd, SwapOffer
from eldercare.rota.views import circles, own_member
from notifications.api import Notice, Value, send

READ = "circle:read"
CHANNEL = "eldercare.rota_watches"
"""The wake-up channel of rotas whose days ahead are to be looked at."""


async def add_absence(session: AsyncSession, actor: Actor, member_id: uuid.UUID, data: AbsenceAdd) -> RotaAbsence:
    """Say when the actor cannot come, in one circle, and return it; raises ``NotFound`` for others' memberships."""
    member = await own_member(await session.connection(), actor, member_id)
    absence = RotaAbsence(
        community_id=member.community_id,
        resident_id=member.resident_id,
        member_id=member.id,
        account_id=actor.id,
        starts_on=data.starts_on,
        ends_on=data.ends_on,
    )
    session.add(absence)
    await session.flush()
    await _record(session, actor, "rota_absence:add", absence)
    await _look_soon(session, absence)
    return absence


async def remove_absence(session: AsyncSession, actor: Actor, member_id: uuid.UUID, absence_id: uuid.UUID) -> None:
    """Take back that the actor cannot come; raises ``NotFound``."""
    member = await own_member(await session.connection(), actor, member_id)
    absence = await session.get(RotaAbsence, absence_id, with_for_update=True)
    if absence is None or absence.member_id != member.id:
        raise NotFound
    await session.delete(absence)
    await session.flush()
    await _record(session, actor, "rota_absence:remove", absence)
    await _look_soon(session, absence)


async def offer_swap(session: AsyncSession, actor: Actor, member_id: uuid.UUID, data: SwapOffer) -> RotaSwap:
    """Ask another member to take one of the actor's turns and return the offer; nothing changes until they accept.

    Raises ``NotFound``, ``Malformed`` for who is no other member of this circle and for a time that is over,
    ``SwapOverlaps``, ``TakerAway``.
    """
    member = await own_member(await session.connection(), actor, member_id)
    circle = await repository.lock_circle(session, member.resident_id)
    if data.taker_id not in circle or data.taker_id == member.id:
        raise Malformed(errors=[FieldError("/body/taker_id", "no other member of this circle", "not_in_circle")])
    if data.ends_at <= clock.now():
        raise Malformed(errors=[FieldError("/body/ends_at", "lies in the past", "in_the_past")])
    swap = RotaSwap(
        community_id=member.community_id,
        resident_id=member.resident_id,
        giver_id=member.id,
        giver_account_id=actor.id,
        taker_account_id=circle[data.taker_id].account_id,
        **data.model_dump(),
    )
    await _check_free(session, swap, circle)
    session.add(swap)
    await session.flush()
    await _record(session, actor, "rota_swap:offer", swap)
    await _tell(session, SWAP_OFFERED, swap, swap.taker_account_id, "offered", {"giver": actor.id})
    return swap


async def answer_swap(
    session: AsyncSession, actor: Actor, member_id: uuid.UUID, swap_id: uuid.UUID, *, accepts: bool
) -> RotaSwap:
    """Take the turn that is offered to the actor, or say no to it, and return the swap; the giver is told.

    Raises ``NotFound`` for what is offered to others, ``SwapOver``, ``SwapOverlaps``, ``TakerAway``.
    """
    member = await own_member(await session.connection(), actor, member_id)
    circle = await repository.lock_circle(session, member.resident_id)
    swap = await repository.lock_swap(session, swap_id)
    if swap.taker_id != member.id:
        raise NotFound
    _move(swap, "accept" if accepts else "decline")
    if accepts:
        await _check_free(session, swap, circle)
    swap.answered_at = clock.now()
    await session.flush()
    await _record(session, actor, f"rota_swap:{'accept' if accepts else 'decline'}", swap)
    told: dict[str, Value] = {"other": actor.id, "state": swap.state}
    await _tell(session, SWAP_CHANGED, swap, swap.giver_account_id, swap.state, told)
    await _look_soon(session, swap)
    return swap


async def withdraw_swap(session: AsyncSession, actor: Actor, member_id: uuid.UUID, swap_id: uuid.UUID) -> None:
    """Take one's own turn back, accepted or not; the taker is told. Raises ``NotFound``, ``SwapOver``."""
    member = await own_member(await session.connection(), actor, member_id)
    await repository.lock_circle(session, member.resident_id)
    swap = await repository.lock_swap(session, swap_id)
    if swap.giver_id != member.id:
        raise NotFound
    _move(swap, "withdraw")
    await session.flush()
    await _record(session, actor, "rota_swap:withdraw", swap)
    told: dict[str, Value] = {"other": actor.id, "state": swap.state}
    await _tell(session, SWAP_CHANGED, swap, swap.taker_account_id, swap.state, told)
    await _look_soon(session, swap)


def _move(swap: RotaSwap, action: str) -> None:
    sources, target = SWAP_TRANSITIONS[action]
    if swap.state not in sources or swap.ends_at <= clock.now():
        raise SwapOver
    swap.state = target


async def _check_free(session: AsyncSession, swap: RotaSwap, circle: dict[uuid.UUID, CircleMember]) -> None:
    taker = circle.get(swap.taker_id)
    if taker is None or swap.giver_id not in circle:
        raise SwapOver
    other = await repository.overlapping_swap(
        session, [swap.giver_id, swap.taker_id], swap.starts_at, swap.ends_at, swap.id
    )
    if other is not None:
        raise SwapOverlaps(swap_id=str(other.id))
    zone = ZoneInfo(taker.time_zone)
    ends_before = swap.ends_at - timedelta(microseconds=1)
    first, last = swap.starts_at.astimezone(zone).date(), ends_before.astimezone(zone).date()
    for absence in await repository.absences_of(session, taker.id):
        if absence.starts_on <= last and absence.ends_on >= first:
            raise TakerAway


async def _tell(
    session: AsyncSession, notice: Notice, swap: RotaSwap, to: uuid.UUID, occasion: str, more: dict[str, Value]
) -> None:
    variables: dict[str, Value] = {
        "resident": swap.resident_id,
        "starts_at": swap.starts_at,
        "ends_at": swap.ends_at,
        **more,
    }
    await send(
        session,
        notice,
        [to],
        community_id=swap.community_id,
        dedupe_key=f"rota_swap:{swap.id}:{occasion}",
        variables=variables,
        about=swap.resident_id,
        data={"swap_id": str(swap.id)},
    )


async def follow_members(session: AsyncSession, members: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Look at rotas soon whose circles have changed, given as (resident, community)."""
    await repository.look_soon(session, members)
    wakeups.request(session, CHANNEL)


async def follow_leavers(session: AsyncSession, member_ids: Sequence[uuid.UUID]) -> None:
    """End the swaps of members who left: their turns fall back to who gave them."""
    await repository.withdraw_swaps_of(session, member_ids)


async def follow_accounts(session: AsyncSession, accounts: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Look at rotas soon from which accounts, given with their communities, are gone: nobody calls them any more."""
    await repository.look_soon_without(session, [one[0] for one in accounts], [one[1] for one in accounts])
    wakeups.request(session, CHANNEL)


async def follow_holidays(session: AsyncSession, community_ids: Sequence[uuid.UUID]) -> None:
    """Look at rotas again whose communities have another calendar."""
    await repository.look_soon_in(session, community_ids)
    wakeups.request(session, CHANNEL)


async def look(session: AsyncSession, watch_ids: Sequence[uuid.UUID]) -> None:
    """Tell the circle and the operator of hours in the next two days at which nobody could be called.

    Gaps that the weekly hours have in every week are told once, when those hours were made; what an absence, a swap or
    a holiday makes is told each time; that there is nobody at all, once. A resident somebody of whose circle can always
    be called is not looked at again until that changes.
    """
    now = clock.now()
    due = await repository.watched(session, watch_ids)
    residents = [watch.resident_id for watch in due]
    limited = await repository.limited(session, residents)
    known = await circles(await session.connection(), residents, now, now + LOOKED_AHEAD)
    for watch in due:
        circle = known[watch.resident_id]
        if not circle.members:
            await _report_empty(session, watch)
            continue
        watch.empty_since = None
        watch.look_at = now + LOOKED_AGAIN if watch.resident_id in limited else None
        if watch.look_at is None or circle.is_always_there:
            continue
        unusual = unusual_gaps(circle, now, now + LOOKED_AHEAD)
        for gap in unusual:
            start = gap.starts_at if gap.starts_at > now else None
            key = start.isoformat() if start else f"running:{now.date().isoformat()}"
            await _tell_gap(session, watch, circle, gap, key)
        usual = [gap for gap in gaps(circle.by_the_week(), now, now + LOOKED_AHEAD) if gap.starts_at > now]
        if usual:
            await _tell_gap(session, watch, circle, usual[0], f"weekly:{_fingerprint(circle)}")
    await session.flush()


def _fingerprint(circle: Circle) -> str:
    """Return what tells one set of weekly hours from another."""
    said = repr([(member.member_id, member.hours, member.time_zone) for member in circle.by_the_week().members])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


async def _tell_gap(session: AsyncSession, watch: RotaWatch, circle: Circle, gap: Slot, occasion: str) -> None:
    operators = await operator_staff(await session.connection(), watch.community_id, "operator")
    await send(
        session,
        GAP,
        list(dict.fromkeys([*(member.account_id for member in circle.members), *operators])),
        community_id=watch.community_id,
        dedupe_key=f"rota_gap:{watch.resident_id}:{occasion}",
        variables={"resident": watch.resident_id, "starts_at": gap.starts_at, "ends_at": gap.ends_at},
        about=watch.resident_id,
        data={"resident_id": str(watch.resident_id)},
    )


async def _report_empty(session: AsyncSession, watch: RotaWatch) -> None:
    """Tell the resident and whoever answers for them that their circle has nobody, once until that changes."""
    connection = await session.connection()
    subject = await require_resident(connection, system_actor(watch.community_id), watch.resident_id, READ)
    if subject.state != "active":
        watch.look_at = None
        return
    watch.look_at = clock.now() + LOOKED_AGAIN
    if watch.empty_since is not None:
        return
    watch.empty_since = clock.now()
    staff = [*await operator_staff(connection, watch.community_id, "operator"), *await _agencies_of(connection, watch)]
    staff += await duty_desk(connection, watch.community_id)
    for notice, to in ((CIRCLE_EMPTY, staff), (OWN_CIRCLE_EMPTY, [subject.account_id])):
        await send(
            session,
            notice,
            list(dict.fromkeys(to)),
            community_id=watch.community_id,
            dedupe_key=f"circle_empty:{watch.resident_id}:{watch.empty_since.isoformat()}",
            variables={"resident": watch.resident_id},
            about=watch.resident_id,
            data={"resident_id": str(watch.resident_id)},
        )


async def _agencies_of(connection: AsyncConnection, watch: RotaWatch) -> list[uuid.UUID]:
    """Return the coordinators of whoever serves a resident and sees their circle."""
    serving = await organizations_serving(connection, [watch.resident_id], READ)
    found: list[uuid.UUID] = []
    for organization_id in sorted(serving[watch.resident_id]):
        found += await organization_members(connection, organization_id, "coordinator")
    return found


async def _look_soon(session: AsyncSession, row: RotaAbsence | RotaSwap) -> None:
    await repository.look_soon(session, [(row.resident_id, row.community_id)])
    wakeups.request(session, CHANNEL)


async def _record(session: AsyncSession, actor: Actor, action: str, row: RotaAbsence | RotaSwap) -> None:
    await touch(session, "rota", row.id, community_id=row.community_id, resident_id=row.resident_id)
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )
