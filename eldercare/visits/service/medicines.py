"""What is to be taken in a visit's time: its carer records the very doses, by medication's own rules."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import require_resident
from eldercare.medication.schemas.doses import DosePublic, DoseRecord
from eldercare.medication.service import recording
from eldercare.visits.access import OwnVisit
from eldercare.visits.problems import VisitNotOpen
from eldercare.visits.service.staffing import locked
from eldercare.visits.views.medicines import RECORD, doses_of


async def record_dose(session: AsyncSession, actor: Actor, own: OwnVisit, dose_id: uuid.UUID, data: DoseRecord) -> None:
    """Record what came of a dose that is due in the time of a visit under way; who does not say otherwise gave it.

    The same record of the same carer changes nothing: an app that heard no answer asks again. Raises ``NotFound`` for
    a dose of another time, ``Forbidden`` without ``medication:record``, ``VisitNotOpen``, and what medication raises.
    """
    visit = await locked(session, own.visit.resident_id, own.visit.id)
    if visit.state != "in_progress":
        raise VisitNotOpen(state=visit.state)
    connection = await session.connection()
    subject = await require_resident(connection, actor, visit.resident_id, RECORD)
    dose = next((one for one in await doses_of(connection, actor, visit) or () if one.id == dose_id), None)
    if dose is None:
        raise NotFound
    if not _is_repeated(dose, actor, data):
        given = data if data.how or subject.relation == "self" else data.model_copy(update={"how": "gave"})
        await recording.record(session, actor, subject, dose_id, given)


async def open_doses(session: AsyncSession, actor: Actor, visit: sa.Row[Any]) -> list[uuid.UUID]:
    """Return the doses due in a visit's time of which nobody has said what came of them, if the actor could say it."""
    found = await doses_of(await session.connection(), actor, visit, scope=RECORD)
    return [dose.id for dose in found or () if dose.state in ("scheduled", "reminded", "missed")]


def _is_repeated(dose: DosePublic, actor: Actor, data: DoseRecord) -> bool:
    """Say whether the actor has recorded just that; a second dose taken on purpose is ``confirmed``."""
    is_same = dose.state == data.status and data.skip_reason in (None, dose.skip_reason)
    return is_same and dose.recorded_by == actor.id and data.taken_at in (None, dose.taken_at) and not data.confirmed
