"""What clinics' own systems and other packages do with referrals; each function takes the actor and checks them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest, decode_cursor, encode_cursor
from app.core.problems import Forbidden, NotFound
from app.identity.api import require_resident
from telemedicine.appointments.schemas import AppointmentEntry
from telemedicine.appointments.service.exchanging import appointment
from telemedicine.records.access import READ, WRITE, require_records
from telemedicine.referrals.access import require_deciding, require_referral, seat_binds
from telemedicine.referrals.problems import ReferralStands
from telemedicine.referrals.rules.states import State, sides_to
from telemedicine.referrals.schemas.parts import VitalsWindow
from telemedicine.referrals.schemas.referrals import (
    OfferedTime,
    ReferralAccept,
    ReferralChangePublic,
    ReferralCreate,
    ReferralDetail,
    ReferralPublic,
)
from telemedicine.referrals.service import answering, booking, concluding, requesting
from telemedicine.referrals.views import parts
from telemedicine.referrals.views import referrals as views
from telemedicine.referrals.views.referrals import ReferralQuery

_VERSIONS = "telemedicine.referral_versions"


async def referrals(
    connection: AsyncConnection, actor: Actor, query: ReferralQuery, page: PageRequest
) -> Page[ReferralPublic]:
    """Return a page of a resident's referrals, or of what is asked of clinics or by them, the last first.

    Who asks for neither means what is asked of the clinics they work for, or their own. Raises ``NotFound`` for a
    resident the actor may not know, and where there is nobody whose they could be.
    """
    if query.ids is None and query.resident_id is None and query.to_ids is None and query.from_ids is None:
        binds = seat_binds(actor)
        clinics = sorted({*binds["clinician_of"], *binds["clerk_of"]})
        if clinics:
            query = replace(query, to_ids=clinics)
        elif actor.resident_id is not None:
            query = replace(query, resident_id=actor.resident_id)
        else:
            raise NotFound
    return await views.referrals(connection, actor, query, page)


async def referral(connection: AsyncConnection, actor: Actor, referral_id: uuid.UUID) -> ReferralDetail:
    """Return a referral, with a trace; raises ``NotFound``."""
    return await views.referral(connection, await require_referral(connection, actor, referral_id))


async def referral_versions(
    connection: AsyncConnection, actor: Actor, referral_id: uuid.UUID, page: PageRequest
) -> tuple[ReferralDetail, Page[ReferralChangePublic]]:
    """Return a referral, and a page of how it stood after its changes, the last first; raises ``NotFound``."""
    subject = await require_referral(connection, actor, referral_id)
    found = await views.referral(connection, subject)
    (before,) = decode_cursor(_VERSIONS, page.cursor) if page.cursor else (None,)
    rows = await views.history(connection, referral_id, subject.sees_content, before=before, limit=page.limit + 1)
    more = encode_cursor(_VERSIONS, (rows[page.limit - 1].version,)) if len(rows) > page.limit else None
    return found, Page(items=rows[: page.limit], next=more)


async def request_referral(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, data: ReferralCreate
) -> ReferralDetail:
    """Refer a resident to a clinic, as one that treats them, and return the referral.

    Raises ``NotFound``, ``Forbidden`` without ``records:write``, ``NoTreatment``, and what ``create`` raises.
    """
    subject = await require_records(await session.connection(), actor, resident_id, WRITE)
    row = await requesting.create(session, subject, data)
    await session.flush()
    connection = await session.connection()
    return await views.written(connection, await require_referral(connection, actor, row.id))


async def decide_referral(
    session: AsyncSession, actor: Actor, referral_id: uuid.UUID, after: State, reason: str | None, version: int | None
) -> ReferralDetail:
    """Request a draft, accept, decline or withdraw a referral, and return it.

    Raises ``NotFound``, ``NotYourPart``, ``StaleVersion``, ``ReferralStands``, and that for any other state.
    """
    connection = await session.connection()
    subject = await require_referral(connection, actor, referral_id)
    await require_deciding(connection, subject, after, sides_to(after))
    match after:
        case "requested":
            await requesting.request(session, subject, version)
        case "accepted":
            await answering.accept(session, subject, ReferralAccept(), version)
        case "declined":
            await answering.decline(session, subject, reason or "", version)
        case "withdrawn":
            await concluding.withdraw(session, subject, reason, version)
        case _:
            raise ReferralStands(referral_state=after)
    await session.flush()
    return await views.written(connection, subject)


async def side_to_revoke(connection: AsyncConnection, actor: Actor, referral_id: uuid.UUID) -> State:
    """Return what becomes of a referral that the actor revokes: asked, they decline it; all others withdraw it."""
    subject = await require_referral(connection, actor, referral_id)
    return "declined" if subject.side == "to" else "withdrawn"


async def referral_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> Sequence[ReferralPublic]:
    """Return the referrals that changed, to the resident's own side; raises ``NotFound``, ``Forbidden``."""
    subject = await require_resident(connection, actor, resident_id, READ)
    if subject.relation == "staff":
        raise Forbidden
    return await views.changed(connection, resident_id, since)


async def referral_vitals(
    connection: AsyncConnection, actor: Actor, referral_id: uuid.UUID
) -> tuple[uuid.UUID, VitalsWindow | None]:
    """Return whose readings go with a referral, and of which time; whoever reads them leaves the trace.

    Raises ``NotFound``, ``Forbidden`` for who may know of it and no more.
    """
    subject = await require_referral(connection, actor, referral_id)
    return subject.resident_id, await parts.vitals_window(connection, subject)


async def book_referred(
    session: AsyncSession,
    actor: Actor,
    referral_id: uuid.UUID,
    resident_id: uuid.UUID,
    time: OfferedTime,
) -> AppointmentEntry:
    """Book a time for a referral that was accepted, and return the appointment.

    Raises ``NotFound`` also for a referral of somebody else's, ``NotYourPart``, and what ``booking.book`` raises.
    """
    connection = await session.connection()
    subject = await require_referral(connection, actor, referral_id)
    if subject.resident_id != resident_id:
        raise NotFound
    await require_deciding(connection, subject, "booked", sides_to("booked"))
    row = await booking.book(session, subject, time, None)
    return await appointment(await session.connection(), actor, row.appointment_id or referral_id)
