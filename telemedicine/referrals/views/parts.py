"""The SQL that reads what goes with a referral or a question, who was told of what is late, and a clinic's times."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import Forbidden
from app.core.sealing import unseal
from app.identity.api import profile
from telemedicine.prescriptions.views import of_ids as prescriptions_of
from telemedicine.records.models import RECORDS
from telemedicine.records.views.records import of_versions
from telemedicine.referrals.access import (
    QUESTION_CONTENT,
    REFERRAL_CONTENT,
    Subject,
    seat_binds,
    trace,
)
from telemedicine.referrals.models import CONTENT, ITEMS, QUESTIONS, REFERRALS, STEPS, TERMS
from telemedicine.referrals.rules.deadlines import WITHIN
from telemedicine.referrals.schemas.parts import (
    ClimbStepPublic,
    ReferralTermPublic,
    ReferralTermsPublic,
    SharedRecordPublic,
    VitalsWindow,
)
from telemedicine.referrals.schemas.referrals import ReferralRecords, SharedContent, StoredContent

_about = sa.bindparam("about_id", type_=sa.Uuid)
_ITEMS: Final = sa.select(ITEMS.c.kind, ITEMS.c.object_id, ITEMS.c.number).order_by(ITEMS.c.id)
_ITEMS_OF: Final = (
    sa.select(ITEMS.c.about_id, ITEMS.c.kind, ITEMS.c.object_id, ITEMS.c.number, RECORDS.c.kind.label("record_kind"))
    .outerjoin(RECORDS, RECORDS.c.id == ITEMS.c.object_id)
    .where(ITEMS.c.about_id == sa.any_(sa.bindparam("about_ids", type_=ARRAY(sa.Uuid))))
    .order_by(ITEMS.c.id)
)
# Asked again where it is read: a referral that ended a moment ago shows nothing more.
_SHARED_OF_REFERRAL: Final = sa.select(REFERRALS.c.content, REFERRALS.c.resident_id).where(
    REFERRALS.c.id == _about, REFERRAL_CONTENT
)
_SHARED_OF_QUESTION: Final = sa.select(QUESTIONS.c.content, QUESTIONS.c.resident_id).where(
    QUESTIONS.c.id == _about, QUESTION_CONTENT
)
_OF_REFERRAL: Final = _ITEMS.join(REFERRALS, REFERRALS.c.id == ITEMS.c.about_id).where(
    ITEMS.c.about_id == _about, REFERRAL_CONTENT
)
_OF_QUESTION: Final = _ITEMS.join(QUESTIONS, QUESTIONS.c.id == ITEMS.c.about_id).where(
    ITEMS.c.about_id == _about, QUESTION_CONTENT
)
_STEPS: Final = sa.select(STEPS).where(STEPS.c.about_id == _about).order_by(STEPS.c.id.desc()).limit(100)
_TERMS: Final = sa.select(TERMS.c.stage, TERMS.c.urgency, TERMS.c.within).where(
    TERMS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid)
)


@dataclass(slots=True)
class Shared:
    """What goes with a referral or question."""

    health_records: list[SharedRecordPublic] = field(default_factory=list)
    prescriptions: list[uuid.UUID] = field(default_factory=list)


async def items_of(connection: AsyncConnection, about_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Shared]:
    """Return what goes with each of some referrals or questions, to whom their content is shown."""
    found = {about_id: Shared() for about_id in about_ids}
    if not found:
        return found
    for row in await connection.execute(_ITEMS_OF, {"about_ids": list(found)}):
        if row.kind == "prescription":
            found[row.about_id].prescriptions.append(row.object_id)
        elif row.record_kind is not None:
            record = SharedRecordPublic(id=row.object_id, version=row.number, kind=row.record_kind)
            found[row.about_id].health_records.append(record)
    return found


async def steps_of(connection: AsyncConnection, about_id: uuid.UUID) -> list[ClimbStepPublic]:
    """Return the latest hundred times somebody was told that something is late, in order."""
    rows = (await connection.execute(_STEPS, {"about_id": about_id})).all()
    return [
        ClimbStepPublic(
            number=row.number,
            stage=row.stage,
            audience=row.audience,
            due_at=row.due_at,
            fired_at=row.fired_at,
            late_seconds=int((row.fired_at - row.due_at).total_seconds()),
            told=row.told,
        )
        for row in reversed(rows)
    ]


async def referral_records(connection: AsyncConnection, subject: Subject) -> ReferralRecords:
    """Return what goes with a referral, in the versions that were chosen, with a trace.

    Raises ``Forbidden`` for who may know of it and no more, and once it is over for the clinic that was asked.
    """
    content, items = await _shared(connection, subject, _SHARED_OF_REFERRAL, _OF_REFERRAL)
    person = await profile(connection, subject.resident_id)
    await trace(connection, subject, "referral_records:read")
    return ReferralRecords(
        **await _content(connection, subject.resident_id, items),
        vitals=StoredContent.model_validate_json(unseal(content, CONTENT)).vitals,
        name=person.name,
        birth_date=person.birth_date,
        language=person.language,
    )


async def question_records(connection: AsyncConnection, subject: Subject) -> SharedContent:
    """Return what goes with a question, with a trace; to who is asked the question's id stands for the resident's.

    Raises as ``referral_records``.
    """
    _, items = await _shared(connection, subject, _SHARED_OF_QUESTION, _OF_QUESTION)
    await trace(connection, subject, "question_records:read")
    found = SharedContent(**await _content(connection, subject.resident_id, items))
    return _unnamed(found, subject.id) if subject.side == "to" else found


def _unnamed(of: SharedContent, question_id: uuid.UUID) -> SharedContent:
    """Return what goes with a question without what tells whose it is.

    What residents say of themselves is written by them or their family: who wrote it would name them. So would who
    objected to a prescription, and where something came from is a visit of theirs.
    """
    hidden = {"resident_id": question_id, "origin": None}
    author = {"author_id": None, "author_name": None}
    records = [
        one.model_copy(update=hidden | (author if one.source == "resident" else {})) for one in of.health_records
    ]
    prescribed = {"resident_id": question_id, "encounter_id": None, "objection": None}
    return SharedContent(
        health_records=records, prescriptions=[one.model_copy(update=prescribed) for one in of.prescriptions]
    )


async def vitals_window(connection: AsyncConnection, subject: Subject) -> VitalsWindow | None:
    """Return the time whose readings go with a referral; raises as ``referral_records``."""
    content, _ = await _shared(connection, subject, _SHARED_OF_REFERRAL, _OF_REFERRAL)
    return StoredContent.model_validate_json(unseal(content, CONTENT)).vitals


async def _shared(
    connection: AsyncConnection, subject: Subject, whole: sa.Select[Any], items: sa.Select[Any]
) -> tuple[str, Sequence[Any]]:
    binds = seat_binds(subject.actor) | {"about_id": subject.id}
    row = (await connection.execute(whole, binds)).one_or_none()
    if row is None:
        raise Forbidden("what goes with it is for the clinicians on both sides, while it is open")
    return row.content, (await connection.execute(items, binds)).all()


async def _content(connection: AsyncConnection, resident_id: uuid.UUID, items: Sequence[Any]) -> dict[str, list[Any]]:
    versions = [(one.object_id, one.number) for one in items if one.kind == "health_record"]
    signed = [one.object_id for one in items if one.kind == "prescription"]
    return {
        "health_records": await of_versions(connection, resident_id, versions) if versions else [],
        "prescriptions": await prescriptions_of(connection, resident_id, signed) if signed else [],
    }


async def terms(connection: AsyncConnection, organization_id: uuid.UUID) -> ReferralTermsPublic:
    """Return how long each thing may take at a clinic."""
    own = {
        (row.stage, row.urgency): row.within
        for row in await connection.execute(_TERMS, {"organization_id": organization_id})
    }
    return ReferralTermsPublic(
        terms=[
            ReferralTermPublic(
                stage=stage,
                urgency=urgency,
                within=own.get((stage, urgency), usual),
                is_own=(stage, urgency) in own,
            )
            for (stage, urgency), usual in WITHIN.items()
        ]
    )
