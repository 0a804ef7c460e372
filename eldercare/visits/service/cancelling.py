"""Visits that do not take place: calendars are free again, and whoever counted on it is told."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit
from app.core.sealing import seal
from app.reservations import api as reservations
from eldercare.events import VisitCancelled
from eldercare.visits import repository
from eldercare.visits.models import CANCEL_NOTE
from eldercare.visits.notices import VISIT_CANCELLED
from eldercare.visits.schemas.words import CancelReason
from eldercare.visits.service.telling import tell


async def call_off(
    session: AsyncSession, by: uuid.UUID | None, visits: Sequence[sa.Row[Any]], reason: CancelReason
) -> None:
    """Take back locked visits of what recurs: those that were nobody's are forgotten, the others cancelled."""
    forgotten = await repository.delete_planned(session, [visit.id for visit in visits])
    await cancel(session, by, [visit for visit in visits if visit.id not in forgotten], reason)


async def cancel(
    session: AsyncSession,
    by: uuid.UUID | None,
    visits: Sequence[sa.Row[Any]],
    reason: CancelReason,
    note: str | None = None,
) -> set[uuid.UUID]:
    """Cancel locked visits that have not begun and return which that were.

    Their carers and their residents are told, but for whoever did it, and but for residents who are no longer here.
    """
    if not visits:
        return set()
    now = clock.now()
    cancelled = await repository.become(
        session,
        [visit.id for visit in visits],
        "cancelled",
        closed_at=now,
        closed_by=by,
        cancel_reason=reason,
        cancel_note=seal(note, CANCEL_NOTE) if note else None,
    )
    carers = await dismiss_carers(session, cancelled, by)
    for visit in visits:
        if visit.id not in cancelled:
            continue
        told = [carer.account_id for carer in carers[visit.id]]
        # Of one that was off while they were away they know already.
        if reason != "closed" and visit.state != "suspended":
            told.append(visit.account_id)
        await tell(session, VISIT_CANCELLED, visit, [one for one in told if one != by], "cancelled")
        await emit(
            session,
            VisitCancelled(
                aggregate_id=visit.id,
                community_id=visit.community_id,
                resident_id=visit.resident_id,
                reason=reason,
            ),
        )
    return cancelled


async def dismiss_carers(
    session: AsyncSession, visit_ids: Collection[uuid.UUID], by: uuid.UUID | None, why: str | None = None
) -> dict[uuid.UUID, list[sa.Row[Any]]]:
    """Take all carers off visits that have not begun, give back their time, and return who they were by visit."""
    carers = await repository.carers_of(session, visit_ids)
    going = [carer for found in carers.values() for carer in found]
    await reservations.release(session, [carer.reservation_id for carer in going])
    await repository.dismiss(session, visit_ids, by, why)
    return carers
