"""Requesting: a referral with what goes with it, at once or as a draft; and care that goes back."""

import uuid
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.problems import FieldError, Malformed
from app.core.sealing import blind_index, seal
from app.identity.api import ResidenceEnded, require_resident
from telemedicine.records.access import READ, RecordSubject, acting_for
from telemedicine.referrals import repository
from telemedicine.referrals.access import Subject, require_clinics
from telemedicine.referrals.models import CODE, CONTENT, Referral
from telemedicine.referrals.problems import ReferralStands
from telemedicine.referrals.schemas.parts import RecordSelection, Selection, VitalsWindow
from telemedicine.referrals.schemas.referrals import ReferralCreate, ReferralReturn, StoredContent
from telemedicine.referrals.service import keeping
from telemedicine.referrals.service.residents import resident_of

_VITALS: Final = "vitals:read"


async def create(session: AsyncSession, subject: RecordSubject, data: ReferralCreate) -> Referral:
    """Refer a resident to a clinic, or write a draft of it, and return the referral.

    Raises ``ForReferrers``, ``ResidenceEnded``, and ``Malformed`` for a clinic or practitioner that is not there, and
    for records that are not.
    """
    require_clinics(subject)
    if subject.resident.state != "active":
        raise ResidenceEnded
    from_id = acting_for(subject, data.organization_id) or subject.clinics[0]
    connection = await session.connection()
    await require_target(
        connection, subject.resident.community_id, from_id, data.to_organization_id, data.practitioner_id
    )
    await require_own_right(connection, subject, data.selection)
    await require_selection(connection, subject.resident.resident_id, data.selection)
    row = Referral(
        id=(row_id := clock.new_id()),
        root_id=row_id,
        community_id=subject.resident.community_id,
        resident_id=subject.resident.resident_id,
        from_organization_id=from_id,
        to_organization_id=data.to_organization_id,
        practitioner_id=data.practitioner_id,
        requested_by=subject.actor.id,
        urgency=data.urgency,
        changed_at=clock.now(),
        **_said(StoredContent(**data.content.model_dump(), vitals=up_to_now(data.selection.vitals))),
    )
    await begin(session, row, data.selection)
    if data.is_draft:
        row.number = 1
        await keeping.remember(session, row, "from", subject.actor)
    else:
        await keeping.become(session, row, "requested", "from", subject.actor)
    return row


async def request(session: AsyncSession, subject: Subject, if_match: int | None) -> Referral:
    """Send a draft; raises ``ResidenceEnded``, ``StaleVersion``, ``ReferralStands``, ``Malformed``."""
    if (await resident_of(session, subject)).state != "active":
        raise ResidenceEnded
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    # The clinic may have let somebody go meanwhile.
    await require_target(
        await session.connection(),
        row.community_id,
        row.from_organization_id,
        row.to_organization_id,
        row.practitioner_id,
    )
    await keeping.become(session, row, "requested", subject.side, subject.actor)
    return row


async def give_back(session: AsyncSession, subject: Subject, data: ReferralReturn) -> Referral:
    """Refer a resident back to the clinic that referred them, and return the new referral.

    What goes with it is what was shared with the clinic, and what it answers for itself. Raises ``ResidenceEnded``,
    ``ReferralStands`` before the resident was seen, ``Malformed`` for other records.
    """
    if (await resident_of(session, subject)).state != "active":
        raise ResidenceEnded
    first = await repository.lock(session, subject.id)
    if first.state not in ("seen", "completed"):
        raise ReferralStands(referral_state=first.state, changed_at=first.changed_at.isoformat())
    connection = await session.connection()
    await require_selection(
        connection, first.resident_id, data.selection, given_back=(first.id, first.to_organization_id)
    )
    row = Referral(
        root_id=first.root_id,
        follows_id=first.id,
        follows_as="return",
        community_id=first.community_id,
        resident_id=first.resident_id,
        from_organization_id=first.to_organization_id,
        to_organization_id=first.from_organization_id,
        requested_by=subject.actor.id,
        urgency=data.urgency,
        changed_at=clock.now(),
        **_said(StoredContent(**data.content.model_dump())),
    )
    await begin(session, row, data.selection)
    await keeping.become(session, row, "requested", "from", subject.actor)
    return row


async def begin(session: AsyncSession, row: Referral, selection: RecordSelection) -> None:
    """Store a referral that is new, with what goes with it."""
    session.add(row)
    await session.flush()
    await repository.share(session, "referral", row.id, row.resident_id, selection)


def _said(content: StoredContent) -> dict[str, Any]:
    coding = content.service.coding
    return {
        "content": seal(content.model_dump_json(exclude_none=True), CONTENT),
        "code_key": blind_index(CODE, f"{coding.system}|{coding.code}") if coding else None,
    }


async def require_target(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    from_id: uuid.UUID,
    to_id: uuid.UUID,
    practitioner_id: uuid.UUID | None,
) -> None:
    """Raise ``Malformed`` unless there is such a clinic, another one, at which that practitioner sees people."""
    if to_id == from_id or not await repository.is_clinic(connection, community_id, to_id):
        raise Malformed(
            errors=[FieldError("/body/to_organization_id", "no other clinic of the community", "no_clinic")]
        )
    if practitioner_id and not await repository.is_practitioner(connection, to_id, practitioner_id):
        raise Malformed(errors=[FieldError("/body/practitioner_id", "nobody who sees people there", "no_practitioner")])


async def require_own_right(connection: AsyncConnection, subject: RecordSubject, selection: RecordSelection) -> None:
    """Raise ``Forbidden`` for who may not see themselves what they would have go with it."""
    if selection.health_records or selection.prescriptions:
        await require_resident(connection, subject.actor, subject.resident.resident_id, READ)
    if isinstance(selection, Selection) and selection.vitals is not None:
        await require_resident(connection, subject.actor, subject.resident.resident_id, _VITALS)


def up_to_now(window: VitalsWindow | None) -> VitalsWindow | None:
    """Return the time with an end: what is measured later was not chosen."""
    if window is None or window.end is not None:
        return window
    return VitalsWindow(first=window.first, end=max(clock.now(), window.first + timedelta(seconds=1)))


async def require_selection(
    connection: AsyncConnection,
    resident_id: uuid.UUID,
    selection: RecordSelection,
    *,
    given_back: tuple[uuid.UUID, uuid.UUID] | None = None,
) -> None:
    """Raise ``Malformed`` for records, versions and signed prescriptions the resident does not have.

    ``given_back`` is a referral and the clinic that was asked: then others than were shared with it are not its own.
    """
    records, prescriptions = await repository.there_is(connection, resident_id, selection)
    if given_back is not None:
        about_id, clinic = given_back
        known = {(one.object_id, one.number) for one in await repository.shared(connection, about_id)}
        records = {key: whose for key, whose in records.items() if whose == clinic or key in known}
        prescriptions = {key: whose for key, whose in prescriptions.items() if whose == clinic or (key, None) in known}
    wrong = [
        FieldError(f"/body/selection/health_records/{index}", "no such version of a record of theirs", "no_record")
        for index, one in enumerate(selection.health_records)
        if (one.id, one.version) not in records
    ]
    wrong += [
        FieldError(f"/body/selection/prescriptions/{index}", "no signed prescription of theirs", "no_prescription")
        for index, one in enumerate(selection.prescriptions)
        if one not in prescriptions
    ]
    if wrong:
        raise Malformed(errors=wrong)
