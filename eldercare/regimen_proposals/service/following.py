"""Following prescriptions: proposed when they are signed, ended with them; and what falls due meanwhile."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import system_actor
from app.core.problems import NotFound
from app.core.sealing import seal
from app.identity.api import ResidentSubject, require_resident
from eldercare.medication.models import Regimen, RegimenVersion
from eldercare.medication.repository import take_turns
from eldercare.medication.service import regimens
from eldercare.regimen_proposals import repository, rules
from eldercare.regimen_proposals.models import PRESCRIBED, RegimenProposal
from eldercare.regimen_proposals.schemas import Prescription
from eldercare.regimen_proposals.service import telling


async def follow(session: AsyncSession, prescription: Prescription) -> None:
    """Let proposals and regimens follow a prescription as it stands now; the same again changes nothing.

    In force, there is a proposal of it; what it replaces goes on until that is confirmed. Ended, the proposal stands no
    more, and the regimen that followed it, or would have been replaced, stops. Of one that was replaced its successor
    takes care.
    """
    actor = system_actor(prescription.community_id)
    subject = await require_resident(await session.connection(), actor, prescription.resident_id, telling.MANAGE)
    await take_turns(session, prescription.resident_id)
    known = await repository.of_prescriptions(session, [prescription.id, *prescription.replaces])
    own = known.get(prescription.id)
    before = next((known[one] for one in prescription.replaces if one in known), None)
    if prescription.standing == "in_force":
        if own is None:
            await _propose(session, subject, prescription, before)
        elif own.state != "withdrawn":
            own.ends_at = rules.ends_at(prescription.last_day, subject.time_zone)
    elif prescription.standing == "ended" and (last := own or before) is not None:
        await end(session, last)


async def _propose(
    session: AsyncSession, subject: ResidentSubject, prescription: Prescription, before: RegimenProposal | None
) -> None:
    now = clock.now()
    is_here = subject.state == "active"  # of who is not, nobody hears unless they turn out to be here after all
    ends_at = rules.ends_at(prescription.last_day, subject.time_zone)
    if ends_at is not None and ends_at <= now:
        return
    row = RegimenProposal(
        community_id=prescription.community_id,
        resident_id=prescription.resident_id,
        prescription_id=prescription.id,
        prescription_version=prescription.version,
        prescribed=seal(prescription.says.model_dump_json(), PRESCRIBED),
        urgent=prescription.is_urgent,
        replaces_id=await _supersede(session, before) if before is not None else None,
        next_step_at=rules.first_step_at(now, urgent=prescription.is_urgent) if is_here else None,
        ends_at=ends_at,
    )
    session.add(row)
    await session.flush()
    if is_here:
        await telling.proposed(session, row)


async def _supersede(session: AsyncSession, before: RegimenProposal) -> uuid.UUID | None:
    """Let a new proposal take the place of one; return the regimen that goes on until the new one begins."""
    before.ends_at = None
    if before.state == "confirmed" and before.begins_at is None:
        return before.regimen_id
    if before.state == "confirmed":
        before.begins_at = None
        await _stop(session, before, before.regimen_id)
    withdraw(before)
    return before.replaces_id


def withdraw(row: RegimenProposal) -> None:
    """Let a proposal that is open stand no more."""
    if "withdrawn" in rules.TRANSITIONS[row.state]:  # type: ignore[index]  # the table's own check keeps it
        row.state, row.answered_at, row.next_step_at, row.ends_at = "withdrawn", clock.now(), None, None


async def end(session: AsyncSession, row: RegimenProposal) -> None:
    """End what came of a prescription: the open proposal, the regimen, and one that would have been replaced."""
    waiting = row.state != "confirmed" or row.begins_at is not None
    stopped = [
        await _stop(session, row, regimen_id)
        for regimen_id in ((row.regimen_id, row.replaces_id) if waiting else (row.regimen_id,))
    ]
    row.begins_at, row.ends_at = None, None
    withdraw(row)
    await session.flush()
    if any(stopped):
        await telling.ended(session, row)


async def _stop(session: AsyncSession, row: RegimenProposal, regimen_id: uuid.UUID | None) -> bool:
    """Stop a regimen and say whether it was to go on; one that would resume with the resident does not any more."""
    regimen = await _regimen(session, row, regimen_id)
    if regimen is None:
        return False
    if regimen.state == "stopped":
        regimen.resumes_as = None
        return False
    await regimens.stop(session, system_actor(row.community_id), regimen)
    return True


async def _regimen(session: AsyncSession, row: RegimenProposal, regimen_id: uuid.UUID | None) -> Regimen | None:
    """Return a regimen, locked, unless it is gone."""
    if regimen_id is None:
        return None
    try:
        return await regimens.lock(session, row.resident_id, regimen_id)
    except NotFound:  # past its retention
        return None


async def standing_regimen(session: AsyncSession, row: RegimenProposal) -> Regimen | None:
    """Return the regimen whose place the proposed one takes, locked; ``None`` if there is none any more.

    One that is stopped, but would resume with the resident, does not any more: then both would go on.
    """
    old = await _regimen(session, row, row.replaces_id)
    if old is None or old.state != "stopped":
        return old
    old.resumes_as = None
    return None


async def escalate(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Remind people of proposals that nobody answered, then call the duty desk, until somebody does."""
    await telling.unanswered(session, await repository.escalate(session, ids))


async def begin(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let the confirmed regimens begin whose first day has come, as those they replace end."""
    for row in await repository.claimed(session, ids):
        actor, row.begins_at = system_actor(row.community_id), None
        new = await _regimen(session, row, row.regimen_id)
        if new is None:
            continue
        if new.resumes_as is not None:  # the resident may come back
            row.begins_at = clock.now() + rules.CALLED_AGAIN
        elif new.state != "stopped" and (later := await _first_day(session, row, new)) is not None:
            row.begins_at = later  # somebody put it off: until then the old one goes on
        elif new.state == "draft":
            await regimens.take_over(session, actor, await standing_regimen(session, row), new)
        elif new.state != "stopped" and (old := await standing_regimen(session, row)) is not None:
            await regimens.stop(session, actor, old)  # somebody made it active before


async def _first_day(session: AsyncSession, row: RegimenProposal, new: Regimen) -> datetime | None:
    """Return when the first day of a regimen begins where its resident lives now; ``None`` if it has begun."""
    subject = await require_resident(
        await session.connection(), system_actor(row.community_id), row.resident_id, telling.MANAGE
    )
    says = await session.get_one(RegimenVersion, new.version_id)
    return rules.begins_at(says.starts_on, says.time_zone or subject.time_zone, clock.now())


async def end_used_up(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """End what came of prescriptions of which there is nothing left to take."""
    for row in await repository.claimed(session, ids):
        await end(session, row)
