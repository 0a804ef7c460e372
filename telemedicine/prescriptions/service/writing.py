"""Prescribing: a draft, what the record warns of, the signature, the end."""

import uuid
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import seal, unseal
from app.identity.api import ResidenceEnded
from telemedicine.events import PrescriptionEnded, PrescriptionSigned
from telemedicine.prescriptions import repository, rules
from telemedicine.prescriptions.access import require_clinics_own
from telemedicine.prescriptions.models import ACKNOWLEDGED, CONTENT, END_REASON, Prescription
from telemedicine.prescriptions.problems import (
    CannotReplace,
    LicenceNotValid,
    NotNow,
    PrescriptionExpired,
    TooManyActive,
    WarningsOpen,
)
from telemedicine.prescriptions.schemas import (
    PrescriptionCheck,
    PrescriptionContent,
    PrescriptionDraft,
    PrescriptionSign,
    PrescriptionWarning,
    WarningAcknowledgement,
)
from telemedicine.records.access import RecordSubject, acting_for
from telemedicine.records.schemas.parts import Coding
from telemedicine.records.views.records import active_allergies

ACKNOWLEDGEMENTS = TypeAdapter(list[WarningAcknowledgement])


async def draft(session: AsyncSession, subject: RecordSubject, data: PrescriptionDraft) -> Prescription:
    """Draft a prescription and return it.

    Raises ``ResidenceEnded``, ``CannotReplace``, ``Malformed`` for a clinic that is not theirs, or no such encounter.
    """
    if subject.resident.state != "active":
        raise ResidenceEnded
    organization_id = acting_for(subject, data.organization_id) or subject.clinics[0]
    if data.replaces_id is not None:
        organization_id = (await _replaceable(session, subject, data.replaces_id, data.organization_id)).organization_id
    row = Prescription(
        community_id=subject.resident.community_id,
        resident_id=subject.resident.resident_id,
        organization_id=organization_id,
        author_id=subject.actor.id,
        content="",
    )
    await _say(session, row, data)
    session.add(row)
    await session.flush()
    await record(session, subject, "prescription:draft", row)
    return row


async def redraft(
    session: AsyncSession,
    subject: RecordSubject,
    prescription_id: uuid.UUID,
    data: PrescriptionDraft,
    if_match: int | None,
) -> Prescription:
    """Write a draft anew and return it.

    Raises ``NotFound``, ``ForPrescribers``, ``StaleVersion``, ``NotNow`` once it is signed, ``CannotReplace``,
    ``Malformed``.
    """
    row = await _locked(session, subject, prescription_id)
    check_version(row, if_match)
    if row.status != "draft":
        raise NotNow(prescription_status=row.status)
    if data.replaces_id is not None:
        await _replaceable(session, subject, data.replaces_id, row.organization_id)
    await _say(session, row, data)
    await session.flush()
    await record(session, subject, "prescription:draft", row)
    return row


async def check(session: AsyncSession, row: Prescription) -> PrescriptionCheck:
    """Return what the resident's record warns of, by codes that are equal; raises ``TooManyActive``."""
    content = _content(row)
    allergies = await active_allergies(await session.connection(), row.resident_id)
    others = await repository.in_force(session, row.resident_id)
    if len(others) >= rules.MOST_IN_FORCE:
        raise TooManyActive(limit=rules.MOST_IN_FORCE)
    known = [
        rules.Known("allergy", str(allergy_id), frozenset((coding.system, coding.code) for coding in codings))
        for allergy_id, codings in allergies
    ]
    known += [
        rules.Known("duplicate", str(other.id), _content(other).codes())
        for other in others
        if other.id not in (row.id, row.replaces_id)
    ]
    return PrescriptionCheck(
        has_codes=bool(content.codes()),
        uncoded_allergies=sum(not codings for _, codings in allergies),
        warnings=[
            PrescriptionWarning(kind=each.kind, id=uuid.UUID(each.of), code=Coding(system=system, code=code))
            for each, (system, code) in rules.warnings(content.codes(), known)
        ],
    )


async def checked(session: AsyncSession, subject: RecordSubject, prescription_id: uuid.UUID) -> PrescriptionCheck:
    """Return what the record warns of a draft.

    Raises ``NotFound``, ``ForPrescribers``, ``NotNow`` for what is no draft, ``TooManyActive``.
    """
    row = await _locked(session, subject, prescription_id)
    if row.status != "draft":
        raise NotNow(prescription_status=row.status)
    await record(session, subject, "prescription:read", row)
    return await check(session, row)


async def sign(
    session: AsyncSession,
    subject: RecordSubject,
    prescription_id: uuid.UUID,
    data: PrescriptionSign,
    if_match: int | None,
) -> Prescription:
    """Sign a draft, which is in force and unchangeable from then on; what it replaces is stopped. Return it.

    Raises ``NotFound``, ``ForPrescribers``, ``ResidenceEnded``, ``StaleVersion``, ``NotNow``, ``LicenceNotValid``,
    ``PrescriptionExpired``, ``CannotReplace``, ``WarningsOpen`` and ``TooManyActive``.
    """
    if subject.resident.state != "active":
        raise ResidenceEnded
    await repository.one_at_a_time(session, subject.resident.resident_id)
    row = await _locked(session, subject, prescription_id)
    check_version(row, if_match)
    if not rules.may_become(row.status, "active"):
        raise NotNow(prescription_status=row.status)
    licence = await repository.licence_of(session, row.organization_id, subject.actor.id)
    if licence is None:
        raise LicenceNotValid
    valid_until = _content(row).valid_until
    expires_at = rules.expires_at(valid_until, subject.resident.time_zone) if valid_until is not None else None
    if expires_at is not None and expires_at <= clock.now():
        raise PrescriptionExpired
    found = await check(session, row)
    given = {(word.kind, word.id) for word in data.acknowledged}
    if still := [each for each in found.warnings if (each.kind, each.id) not in given]:
        raise WarningsOpen(warnings=[each.model_dump(mode="json") for each in still])
    if row.replaces_id is not None:
        replaced = await _replaceable(session, subject, row.replaces_id, row.organization_id)
        if replaced.status == "active":
            await _end(session, subject, replaced, "stopped", None)
    warned = {(each.kind, each.id) for each in found.warnings}
    kept = [word for word in data.acknowledged if (word.kind, word.id) in warned]
    row.status, row.signed_at, row.signed_by, row.licence_number = "active", clock.now(), subject.actor.id, licence
    row.expires_at = expires_at
    row.acknowledged = seal(ACKNOWLEDGEMENTS.dump_json(kept).decode(), ACKNOWLEDGED) if kept else None
    await session.flush()
    await emit(
        session,
        PrescriptionSigned(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
            replaces_id=row.replaces_id,
        ),
    )
    await record(session, subject, "prescription:sign", row)
    return row


async def end(
    session: AsyncSession,
    subject: RecordSubject,
    prescription_id: uuid.UUID,
    reason: str | None,
    if_match: int | None = None,
) -> Prescription:
    """Stop a prescription, or cancel a draft, and return it.

    Raises ``NotFound``, ``ForPrescribers``, ``StaleVersion``, ``NotNow``.
    """
    row = await _locked(session, subject, prescription_id)
    check_version(row, if_match)
    await _end(session, subject, row, "cancelled" if row.status == "draft" else "stopped", reason)
    return row


async def dispense(session: AsyncSession, subject: RecordSubject, prescription_id: uuid.UUID) -> Prescription:
    """Write down that a prescription was handed out once more and return it; with the last time it is completed.

    Raises ``NotFound``, ``ForPrescribers``, ``NotNow`` for what is not in force, ``PrescriptionExpired``.
    """
    row = await _locked(session, subject, prescription_id)
    if row.status != "active":
        raise NotNow(prescription_status=row.status)
    now = clock.now()
    if row.expires_at is not None and row.expires_at <= now:
        raise PrescriptionExpired
    content, today = _content(row), now.astimezone(ZoneInfo(subject.resident.time_zone)).date()
    row.dispensed += 1
    row.taken_until = rules.taken_until(row.taken_until, today, content.supply_days)
    await session.flush()
    await record(session, subject, "prescription:dispense", row)
    if rules.dispensing(row.dispensed, content.repeats) == "complete":
        await _end(session, subject, row, "completed", None)
    return row


async def _end(
    session: AsyncSession, subject: RecordSubject, row: Prescription, status: rules.Status, reason: str | None
) -> None:
    if not rules.may_become(row.status, status):
        raise NotNow(prescription_status=row.status)
    row.status, row.ended_at, row.ended_by, row.expires_at = status, clock.now(), subject.actor.id, None
    row.end_reason = seal(reason, END_REASON) if reason else None
    await session.flush()
    if status != "cancelled":
        await emit(
            session,
            PrescriptionEnded(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                organization_id=row.organization_id,
                status=status,
            ),
        )
    await record(session, subject, "prescription:end", row)


async def _locked(session: AsyncSession, subject: RecordSubject, prescription_id: uuid.UUID) -> Prescription:
    row = await repository.lock(session, subject.resident.resident_id, prescription_id)
    require_clinics_own(subject, row)
    return row


async def _replaceable(
    session: AsyncSession, subject: RecordSubject, prescription_id: uuid.UUID, of: uuid.UUID | None = None
) -> Prescription:
    """Return what is to be replaced, locked; raises ``CannotReplace``."""
    try:
        row = await repository.lock(session, subject.resident.resident_id, prescription_id)
    except NotFound:
        raise CannotReplace from None
    is_own = row.organization_id in subject.clinics and of in (None, row.organization_id)
    if not is_own or row.status not in rules.RENEWABLE:
        raise CannotReplace
    return row


async def _say(session: AsyncSession, row: Prescription, data: PrescriptionDraft) -> None:
    """Write what a draft says; raises ``Malformed`` for an encounter that is none of the resident's."""
    if data.encounter_id is not None and not await repository.is_encounter_of(
        session, row.resident_id, data.encounter_id
    ):
        raise Malformed(errors=[FieldError("/body/encounter_id", "no encounter of the resident's", "not_found")])
    coding = data.content.medication.coding
    row.content, row.code_key = seal(data.content.model_dump_json(), CONTENT), coding.key() if coding else None
    row.replaces_id, row.encounter_id = data.replaces_id, data.encounter_id


def _content(row: Any) -> PrescriptionContent:
    return PrescriptionContent.model_validate_json(unseal(row.content, CONTENT))


async def record(session: AsyncSession, subject: RecordSubject, action: str, row: Prescription) -> None:
    """Put on record what the actor did with the prescription."""
    await audit.record(
        session,
        subject.actor,
        action,
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )
