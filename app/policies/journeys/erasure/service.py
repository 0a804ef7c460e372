"""Erasing a person across the packages, in one unit of work: care ends, then what names them goes."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core.access import Actor
from app.identity import api as identity
from community import api as community
from eldercare import api as eldercare


async def erase_oneself(session: AsyncSession, actor: Actor) -> None:
    """Erase the actor.

    Raises ``FreshSignInNeeded``, ``SecondFactorNeeded``, ``AlarmOpen`` and ``LastOperator``.
    """
    await identity.require_fresh_sign_in(session, actor)
    await _erase(session, actor, await identity.hold_person(session, actor.id))


async def erase_former_resident(session: AsyncSession, actor: Actor, resident_id: uuid.UUID) -> None:
    """Erase a resident whose residence has ended.

    Raises ``NotFound``, ``Forbidden``, ``ResidenceNotEnded``, ``AlarmOpen`` and ``LastOperator``.
    """
    connection = await session.connection()
    subject = await identity.require_resident(connection, actor, resident_id, "profile:manage")
    person = await identity.hold_person(session, subject.account_id)
    if person.resident is None or person.resident.state == "active":
        raise identity.ResidenceNotEnded
    await _erase(session, actor, person)


async def _erase(session: AsyncSession, actor: Actor, person: identity.HeldPerson) -> None:
    if person.is_erased:
        return
    # The person is locked: an alarm is either seen here, or waits and is raised for who is still to be found.
    resident_id = person.resident.id if person.resident else None
    await eldercare.require_no_open_alarm(session, account_id=person.account.id, resident_id=resident_id)
    await _end_care(session, person)
    await identity.erase_person(session, actor, person)


async def erase_again(session: AsyncSession, account_ids: Sequence[uuid.UUID]) -> None:
    """Erase what was let in before these persons were erased and written after; not while an alarm is open."""
    for account_id in account_ids:
        person = await identity.hold_person(session, account_id)
        resident_id = person.resident.id if person.resident else None
        try:
            await eldercare.require_no_open_alarm(session, account_id=account_id, resident_id=resident_id)
        except eldercare.AlarmOpen:
            await identity.put_off(session, person)
            continue
        await _end_care(session, person)
        await identity.erase_again(session, person)


async def _end_care(session: AsyncSession, person: identity.HeldPerson) -> None:
    if person.resident is not None:
        # At once, and not with the closure's event: nobody may be asked, or called, between this and that.
        await eldercare.end_care(session, person.resident.id)
        await community.forget_panels(session, person.resident.id)
        await community.forget_homes(session, person.resident.id)
    await eldercare.forget_photos(session, person.account.id)
    await billing.forget_cards(session, person.account.id)
