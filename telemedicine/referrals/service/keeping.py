"""The one place where a referral gets another state, with all that follows: deadline, history, fact, notices."""

import uuid
from datetime import datetime
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.events import emit
from app.core.problems import StaleVersion
from app.core.sealing import seal
from app.identity.api import organization_members, resident_accounts
from notifications.api import Notice, send
from telemedicine.events import ReferralStateChanged
from telemedicine.referrals import repository
from telemedicine.referrals.models import REASON, Referral, ReferralChange
from telemedicine.referrals.notices import ANSWERED, NEWS, REQUESTED, REQUESTED_NOW
from telemedicine.referrals.problems import ReferralStands
from telemedicine.referrals.rules.deadlines import KEPT_OPEN, PRESSING, STAGES
from telemedicine.referrals.rules.states import Side, State, Urgency, may_decide

_TO_RESIDENT: Final = frozenset(
    {"requested", "accepted", "declined", "redirected", "completed", "expired", "withdrawn"}
)
"""Of an appointment they hear by themselves, and of having been seen, too."""


def check_version(row: Referral, if_match: int | None) -> None:
    """Raise ``StaleVersion`` unless the row is the version the caller has seen."""
    if if_match is not None and if_match != row.number:
        raise StaleVersion


async def become(
    session: AsyncSession,
    row: Referral,
    after: State,
    side: Side,
    actor: Actor | None,
    *,
    reason: str | None = None,
    appointment_id: uuid.UUID | None = None,
    news: str | None = None,
) -> None:
    """Give a locked referral another state, at the word of ``side``; without an actor it is Hearthline itself.

    ``news`` is what the clinic that referred is told in place of the state. Raises ``ReferralStands`` for a change that
    there is not, or not at that side's word.
    """
    if not may_decide(cast(State, row.state), after, side):
        raise ReferralStands(referral_state=row.state, changed_at=row.changed_at.isoformat())
    now = clock.now()
    if row.state in ("booked", "seen"):
        row.offers = []  # what was offered lies behind; the clinic offers anew, or any free time can be chosen
    row.state, row.changed_at, row.number = after, now, row.number + 1
    await wait_from(session, row, now)
    row.expires_at = now + KEPT_OPEN if after in ("requested", "accepted") else None
    if after == "requested":
        row.requested_at = now
    row.appointment_id = appointment_id if after in ("booked", "seen", "accepted") else row.appointment_id
    by = actor or system_actor(row.community_id)
    if after == "requested":
        await repository.publish(session, row.id, now)
    await remember(session, row, side, by, reason)
    await emit(
        session,
        ReferralStateChanged(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.to_organization_id,
            from_organization_id=row.from_organization_id,
            state=after,
        ),
    )
    if row.requested_at is not None:  # of a draft that is thrown away nobody has heard
        await _tell(session, row, side, news or after)


async def wait_from(session: AsyncSession, row: Referral, start: datetime) -> None:
    """Set by when what is waited for in a referral's state is to happen, from an instant on; or that nothing is."""
    stage, row.due_at = STAGES.get(row.state), None
    if stage is not None:
        with session.no_autoflush:  # between a state and its deadline the row is none the table allows
            row.due_at = start + await repository.within(
                session, row.to_organization_id, stage, cast(Urgency, row.urgency)
            )
    row.next_step_at, row.step = row.due_at, 0
    row.acknowledged_at = row.acknowledged_by = None


async def remember(session: AsyncSession, row: Referral, side: Side, by: Actor, reason: str | None = None) -> None:
    """Add to a referral's history how it stands, and put it on record."""
    session.add(row)
    await session.flush()
    session.add(
        ReferralChange(
            referral_id=row.id,
            resident_id=row.resident_id,
            number=row.number,
            state=row.state,
            sent_at=row.requested_at,
            side=side,
            changed_by=None if by.kind == "system" else by.id,
            organization_id=row.to_organization_id,
            appointment_id=row.appointment_id,
            reason=seal(reason, REASON) if reason else None,
        )
    )
    await session.flush()
    await audit.record(
        session,
        by,
        f"referral:{row.state}",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )


async def _tell(session: AsyncSession, row: Referral, side: Side, news: str) -> None:
    if news == "requested":
        notice = REQUESTED_NOW if row.urgency in PRESSING else REQUESTED
        await _send(session, row, notice, await team(session, row))
    elif side != "from":
        await _send(session, row, ANSWERED, await referrers(session, row), state=news)
    if news in _TO_RESIDENT and side != "patient":
        accounts = await resident_accounts(await session.connection(), [row.resident_id])
        await _send(session, row, NEWS, list(accounts.values()), state=news)


async def _send(
    session: AsyncSession, row: Referral, notice: Notice, people: list[uuid.UUID], **variables: str
) -> None:
    await send(
        session,
        notice,
        people,
        community_id=row.community_id,
        dedupe_key=f"{notice.key}:{row.id}:{row.number}",
        variables={"resident": row.resident_id, **variables},
        about=row.resident_id,
        data={"referral_id": str(row.id)},
    )


async def team(session: AsyncSession, row: Referral) -> list[uuid.UUID]:
    """Return who is told that a referral has come: who it names, or the clinic's clinicians; and its coordinators."""
    connection = await session.connection()
    clinicians = await organization_members(connection, row.to_organization_id, "clinician")
    named = await repository.account_of(connection, row.practitioner_id) if row.practitioner_id else None
    coordinators = await organization_members(connection, row.to_organization_id, "coordinator")
    return list(dict.fromkeys([*([named] if named is not None and named in clinicians else clinicians), *coordinators]))


async def referrers(session: AsyncSession, row: Referral) -> list[uuid.UUID]:
    """Return who is told what becomes of a referral: who requested it, or their colleagues if they left."""
    clinicians = await organization_members(await session.connection(), row.from_organization_id, "clinician")
    return [row.requested_by] if row.requested_by in clinicians else clinicians
