"""Marking readings as wrong. They stay, for whoever acted on them; what follows from them is judged anew."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.core.touching import touch
from app.identity.api import ResidentSubject
from eldercare.vitals import repository
from eldercare.vitals.models import REASON_CONTEXT
from eldercare.vitals.problems import AlreadyCorrected
from eldercare.vitals.repository import Batch
from eldercare.vitals.rules.codes import Refused, measure_of, taken
from eldercare.vitals.rules.identities import reading_id, source_key, tail_of
from eldercare.vitals.schemas import CorrectionMade, CorrectionMake, Replacement
from eldercare.vitals.service.alerts import judge_readings
from eldercare.vitals.service.readings import source_of
from eldercare.vitals.views.readings import shown


async def correct(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, identifier: uuid.UUID, data: CorrectionMake
) -> CorrectionMade:
    """Mark a reading as entered in error, put another in its place if one is given, and return both.

    Raises ``NotFound``, ``AlreadyCorrected``, ``Malformed`` for a replacement that cannot be.
    """
    await repository.lock(session, subject.resident_id)
    reading = await repository.find(session, subject.resident_id, identifier)
    if reading is None:
        raise NotFound
    latest = await repository.latest_id(session, subject.resident_id, reading.code)
    reason = seal(data.reason, REASON_CONTEXT)
    if not await repository.mark_wrong(session, reading, reason=reason, by=actor.id):
        raise AlreadyCorrected
    if latest == identifier:
        await repository.step_back(session, subject.resident_id, reading.code)
    replacement = None
    if data.replacement is not None:
        replacement = await _replace(session, actor, subject, reading, data.replacement)
    if subject.state == "active":  # nobody is called for somebody who moved out or died
        await judge_readings(session, subject.resident_id, subject.community_id, [reading.code], anew=True)
    await touch(session, "vitals", identifier, community_id=subject.community_id, resident_id=subject.resident_id)
    await audit.record(
        session,
        actor,
        "vitals:correct",
        resident_id=subject.resident_id,
        object_id=identifier,
        community_id=subject.community_id,
    )
    return CorrectionMade(
        corrected=shown(await repository.find(session, subject.resident_id, identifier)),
        replacement=shown(replacement) if replacement is not None else None,
    )


async def _replace(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, wrong: repository.Row, data: Replacement
) -> repository.Row:
    """Store a reading of the same kind and instant as a wrong one, and return its row; raises ``Malformed``."""
    try:
        value = taken(measure_of(wrong.code, data.unit), data.value)
    except Refused as refusal:
        raise Malformed(errors=[FieldError("/body/replacement", refusal.detail, refusal.code)]) from None
    tail = tail_of(subject.resident_id, source_key(actor.id, wrong.device), wrong.code, wrong.id)
    identifier = reading_id(wrong.measured_at, tail)
    batch = Batch([identifier], [wrong.code], [value], [wrong.measured_at], [wrong.device])
    await repository.keep(session, actor, subject, source_of(actor, replaces=wrong.id), batch)
    return await repository.find(session, subject.resident_id, identifier)
