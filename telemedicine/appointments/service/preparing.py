"""What the clinic should know before the visit: answers and photos, which people read and nothing else does."""

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal
from app.media.api import Purpose, attach
from telemedicine.appointments import repository, rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import ANSWERS
from telemedicine.appointments.problems import NotAllowedNow
from telemedicine.appointments.schemas import AnswersWrite
from telemedicine.appointments.views.appointments import PHOTOS
from telemedicine.clinics.views.clinics import visit_type


async def answer(session: AsyncSession, actor: Actor, subject: Subject, data: AnswersWrite) -> None:
    """Take what is said before a visit, in the place of what was said before; photos are added.

    Raises ``NotAllowedNow`` once the visit is over, ``Malformed`` for a question the clinic does not ask, and what the
    uploads raise.
    """
    row = await repository.locked(session, subject.id)
    if row.status in rules.OVER:
        raise NotAllowedNow(appointment_status=row.status)
    asked = {item["key"] for item in (await visit_type(await session.connection(), row.visit_type_id)).checklist}
    unknown = [
        FieldError(f"/body/answers/{place}/key", "the clinic does not ask this", "unknown_question")
        for place, given in enumerate(data.answers)
        if given.key not in asked
    ]
    if unknown:
        raise Malformed(errors=unknown)
    row.answers = seal(orjson.dumps(data.model_dump(mode="json", exclude={"photo_ids"})).decode(), ANSWERS)
    for media_id in data.photo_ids:
        await attach(
            session,
            actor,
            media_id,
            purpose=Purpose.PHOTO,
            kind=PHOTOS,
            object_id=row.id,
            resident_id=row.resident_id,
        )
    await session.flush()
    await audit.record(
        session,
        actor,
        "appointment:answer",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )
