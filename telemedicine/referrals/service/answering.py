"""What the clinic that is asked answers: it takes the resident, does not, or passes the referral on."""

from datetime import UTC

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, set_ids
from app.core.problems import FieldError, Malformed
from telemedicine.referrals import repository
from telemedicine.referrals.access import Subject
from telemedicine.referrals.models import ITEMS, Referral
from telemedicine.referrals.problems import AskedAlready, ReferralStands
from telemedicine.referrals.schemas.referrals import OfferedTime, ReferralAccept, ReferralRedirect
from telemedicine.referrals.service import keeping
from telemedicine.referrals.service.requesting import require_target

_COPY = sa.insert(ITEMS).from_select(
    [
        "id",
        "created_at",
        "updated_at",
        "version",
        "about_kind",
        "about_id",
        "resident_id",
        "kind",
        "object_id",
        "number",
    ],
    sa.select(
        set_ids.minted_id(),
        sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        sa.literal_column("1", sa.Integer),
        ITEMS.c.about_kind,
        sa.bindparam("to_id", type_=sa.Uuid),
        ITEMS.c.resident_id,
        ITEMS.c.kind,
        ITEMS.c.object_id,
        ITEMS.c.number,
    ).where(ITEMS.c.about_id == sa.bindparam("from_id", type_=sa.Uuid)),
)


async def accept(session: AsyncSession, subject: Subject, data: ReferralAccept, if_match: int | None) -> Referral:
    """Accept a referral, with the times that are offered, and return it.

    Raises ``StaleVersion``, ``ReferralStands``, ``Malformed`` for a time with somebody who does not work there.
    """
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    await _offer(session, row, data)
    await keeping.become(session, row, "accepted", subject.side, subject.actor)
    return row


async def offer_times(session: AsyncSession, subject: Subject, data: ReferralAccept, if_match: int | None) -> Referral:
    """Offer other times for a referral that was accepted, in place of those before, and return it; raises as above."""
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    if row.state != "accepted":
        raise ReferralStands(referral_state=row.state, changed_at=row.changed_at.isoformat())
    await _offer(session, row, data)
    row.number, row.changed_at = row.number + 1, clock.now()
    await keeping.remember(session, row, subject.side, subject.actor)
    return row


async def _offer(session: AsyncSession, row: Referral, data: ReferralAccept) -> None:
    connection = await session.connection()
    for index, offer in enumerate(data.offers):
        if not await repository.is_practitioner(connection, row.to_organization_id, offer.practitioner_id):
            pointer = f"/body/offers/{index}/practitioner_id"
            raise Malformed(errors=[FieldError(pointer, "nobody who sees people there", "no_practitioner")])
    row.offers = [stored(offer) for offer in data.offers]


def stored(offer: OfferedTime) -> dict[str, str]:
    """Return an offered time as it is kept."""
    return {
        "practitioner_id": str(offer.practitioner_id),
        "visit_type_id": str(offer.visit_type_id),
        "starts_at": offer.starts_at.astimezone(UTC).isoformat(),
    }


async def decline(session: AsyncSession, subject: Subject, reason: str, if_match: int | None) -> Referral:
    """Decline a referral and return it; raises ``StaleVersion``, ``ReferralStands``."""
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    await keeping.become(session, row, "declined", subject.side, subject.actor, reason=reason)
    return row


async def redirect(session: AsyncSession, subject: Subject, data: ReferralRedirect, if_match: int | None) -> Referral:
    """Pass a referral on, with what goes with it, to a clinic that was not asked before; return it as it ended.

    Raises ``StaleVersion``, ``ReferralStands``, ``AskedAlready``, ``Malformed``.
    """
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    await require_target(
        await session.connection(),
        row.community_id,
        row.to_organization_id,
        data.to_organization_id,
        data.practitioner_id,
    )
    if data.to_organization_id in await repository.asked(session, row.root_id):
        raise AskedAlready
    await keeping.become(session, row, "redirected", subject.side, subject.actor, reason=data.reason)
    new = Referral(
        root_id=row.root_id,
        follows_id=row.id,
        follows_as="redirect",
        community_id=row.community_id,
        resident_id=row.resident_id,
        from_organization_id=row.from_organization_id,
        to_organization_id=data.to_organization_id,
        practitioner_id=data.practitioner_id,
        requested_by=row.requested_by,
        urgency=row.urgency,
        code_key=row.code_key,
        content=row.content,
        changed_at=clock.now(),
    )
    session.add(new)
    await session.flush()
    binds = {"from_id": row.id, "to_id": new.id, "now": clock.now(), "minted_at": set_ids.minted_at()}
    await session.execute(_COPY, binds)
    await keeping.become(session, new, "requested", subject.side, subject.actor, reason=data.reason)
    return row
