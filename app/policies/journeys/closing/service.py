"""Ending a residence across the packages, in one unit of work: people close an alarm, no form does."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.identity import api as identity
from community import api as community
from eldercare import api as eldercare
from telemedicine import api as telemedicine


async def close_residence(
    session: AsyncSession, actor: Actor, subject: identity.ResidentSubject, closure: identity.Closure
) -> None:
    """End the residence of a resident.

    With it end the circle a ladder calls, and the rights of whoever is on the way. Raises ``Forbidden`` for
    anybody but staff, ``ResidenceEnded``, ``AlarmOpen``, ``Malformed`` for a day in the future.
    """
    account, resident = await identity.hold_residence(session, actor, subject)
    await eldercare.require_no_open_alarm(session, account_id=account.id, resident_id=resident.id)
    await identity.close_residence(session, actor, account, resident, closure)
    # At once, and not with the closure's event: a check-in nobody answers would raise an alarm about the dead.
    await eldercare.end_care(session, resident.id)
    await telemedicine.end_care(session, resident.id)
    await community.end_homes(session, resident.id)
