"""Linking: a resident says whose code it is, or a member of staff attests who they are; nobody is found by name."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.sealing import blind_index, seal
from app.identity.api import ResidenceEnded, ResidentSubject, organizations_named, require_resident, resident_accounts
from notifications.api import Notice, send
from telemedicine.appointments.access import MANAGE, Subject
from telemedicine.linking import notices, repository, rules, views
from telemedicine.linking.access import clinics_of, require_clinic, require_patient_of
from telemedicine.linking.models import VALUE, LinkCode, PatientLink, WrongCode
from telemedicine.linking.problems import LinkCodeInvalid, NumberTaken, TooManyWrongCodes
from telemedicine.linking.schemas import LinkByCheck, LinkByCode, LinkCodePublic, PatientLinkPublic, PatientNumber


async def make_code(session: AsyncSession, actor: Actor, subject: ResidentSubject) -> LinkCodePublic:
    """Return a new code to read out to a clinic; those made before end. Raises ``ResidenceEnded``."""
    if subject.state != "active":
        raise ResidenceEnded
    now = clock.now()
    await repository.drop_codes(session, subject.resident_id)
    row: dict[str, Any] = {
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "community_id": subject.community_id,
        "resident_id": subject.resident_id,
        "made_by": actor.id,
        "expires_at": now + rules.CODE_LASTS,
    }
    code, row_id = rules.new_code(), clock.new_id()
    while not await repository.add_code(session, row | {"id": row_id, "code_index": _index(code)}):
        code = rules.new_code()
    await audit.record(session, actor, "link_code:create", resident_id=subject.resident_id, object_id=row_id)
    return LinkCodePublic(code=rules.spoken(code), expires_at=now + rules.CODE_LASTS)


def _index(code: str) -> bytes:
    return blind_index("link_code", code)


async def link_by_code(actor: Actor, organization_id: uuid.UUID, data: LinkByCode) -> PatientLinkPublic:
    """Link the clinic's number to whoever read out the code, and return the link; the same once more changes nothing.

    Opens its own unit of work, so that a wrong code is counted although it is refused: nothing is said of the number
    before the code is good. Raises ``Forbidden``, ``TooManyWrongCodes``, ``LinkCodeInvalid``, ``NumberTaken``.
    """
    require_clinic(actor, organization_id)
    async with unit_of_work() as session:
        await repository.alone(session, organization_id)
        now = clock.now()
        wrong = await repository.wrong_since(session, organization_id, now - rules.WRONG_WITHIN)
        again = rules.try_again_at(wrong)
        if again is not None:
            seconds = max(1, round((again - now).total_seconds()))
            raise TooManyWrongCodes(most=rules.MOST_WRONG, headers={"Retry-After": str(seconds)})
        code = await repository.locked_code(session, _index(rules.understood(data.code)))
        found = await _by_code(session, actor, organization_id, data, code)
        if found is None:
            session.add(WrongCode(organization_id=organization_id))
            await audit.record(session, actor, "patient_link:refused", object_id=organization_id)
    if found is None:
        raise LinkCodeInvalid
    return found


async def _by_code(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: LinkByCode, code: LinkCode | None
) -> PatientLinkPublic | None:
    """Return the link that a code makes or has made; ``None`` for a code that is not good."""
    if code is None or code.community_id != actor.community_id or code.expires_at <= clock.now():
        return None
    if code.used_at is not None:
        known = await repository.standing(
            session, organization_id, data.system, views.value_index(organization_id, data.value)
        )
        return views.public(known) if known is not None and known.code_id == code.id else None
    subject = await require_resident(await session.connection(), _itself(actor), code.resident_id, MANAGE)
    if subject.state != "active":
        return None
    code.used_at = clock.now()
    await session.flush()
    said = {"how": "code", "evidence": [], "code_id": code.id, "given_by": code.made_by}
    return await _link(session, actor, organization_id, subject, data, said)


def _itself(actor: Actor) -> Actor:
    """Return Hearthline itself: the code is the resident's word, whatever the clinic may see of them otherwise."""
    return Actor(kind="system", id=actor.id, community_id=actor.community_id)


async def link_by_check(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: LinkByCheck
) -> PatientLinkPublic:
    """Link the clinic's number to a resident it treats, as a member of staff attests; return the link.

    The same once more changes nothing. Raises ``Forbidden``, ``NotFound``, ``ResidenceEnded``, ``NumberTaken``.
    """
    require_clinic(actor, organization_id)
    subject = await require_patient_of(await session.connection(), actor, organization_id, data.resident_id)
    said = {"how": "staff_check", "evidence": sorted(data.evidence), "code_id": None, "given_by": None}
    return await _link(session, actor, organization_id, subject, data, said)


async def _link(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    subject: ResidentSubject,
    number: PatientNumber,
    said: dict[str, Any],
) -> PatientLinkPublic:
    now, index = clock.now(), views.value_index(organization_id, number.value)
    link_id = await repository.add_link(
        session,
        {
            "id": clock.new_id(),
            "created_at": now,
            "updated_at": now,
            "version": 1,
            "community_id": subject.community_id,
            "organization_id": organization_id,
            "resident_id": subject.resident_id,
            "system": number.system,
            "value": seal(number.value, VALUE),
            "value_index": index,
            "linked_by": actor.id,
            "linked_by_kind": actor.kind,
            **said,
        },
    )
    if link_id is None:
        known = await repository.standing(session, organization_id, number.system, index)
        if known is None or known.resident_id != subject.resident_id:
            raise NumberTaken
        return views.public(known)
    row = await repository.locked(session, link_id)
    await audit.record(
        session,
        actor,
        "patient_link:create",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
        details={"how": row.how, "evidence": row.evidence},
    )
    await _tell(session, notices.LINKED, row)
    return views.public(row)


async def unlink(session: AsyncSession, actor: Actor, subject: Subject) -> None:
    """End a link, which stays as history; one that has ended stays so. A clinic's is told to the resident."""
    row = await repository.locked(session, subject.id)
    if row.ended_at is not None:
        return
    row.ended_at, row.ended_by, row.ended_side = clock.now(), actor.id, subject.by
    await session.flush()
    await audit.record(
        session,
        actor,
        "patient_link:end",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )
    if subject.by == "clinic":
        await _tell(session, notices.UNLINKED, row)


async def _tell(session: AsyncSession, notice: Notice, row: PatientLink) -> None:
    connection = await session.connection()
    known = await organizations_named(connection, row.community_id, [row.organization_id])
    accounts = await resident_accounts(connection, [row.resident_id])
    await send(
        session,
        notice,
        list(accounts.values()),
        community_id=row.community_id,
        dedupe_key=f"{notice.key}:{row.id}",
        variables={"resident": row.resident_id, "clinic": known[row.organization_id].name},
        about=row.resident_id,
        data={"patient_link_id": str(row.id)},
    )


async def numbers_of(
    connection: AsyncConnection, actor: Actor, resident_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[PatientLinkPublic]]:
    """Return the numbers by which the clinics that the actor works for know residents, or knew; nobody else's."""
    return await views.of_clinics(connection, clinics_of(actor), resident_ids)


async def residents_numbered(
    connection: AsyncConnection, actor: Actor, wanted: Collection[tuple[str | None, str]]
) -> set[uuid.UUID]:
    """Return who is known by one of some numbers to the clinics that the actor works for."""
    return await views.numbered(connection, clinics_of(actor), wanted)
