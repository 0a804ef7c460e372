"""Pairing codes: made by whoever may manage the resident's profile, redeemed once by the resident's phone."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.events import emit
from app.core.qr_codes import qr_svg
from app.core.settings import settings
from app.core.tables import table_of
from app.identity.credentials import digest, new_secret
from app.identity.events import PhonePaired
from app.identity.installations.service import issue_device_credential
from app.identity.models import Account, Resident
from app.identity.pairing.models import Pairing
from app.identity.pairing.problems import PairingCodeInvalid
from app.identity.pairing.schemas import PairedPhone, PairingCreated
from app.identity.people.access import require_may_let_in
from app.identity.sessions import service as sessions
from app.identity.visibility import ResidentSubject

SCHEME: Final = "hearthline://pair"
EXPIRED_KEPT: Final = timedelta(days=1)
_pairings = table_of(Pairing)


async def create_pairing(session: AsyncSession, actor: Actor, subject: ResidentSubject) -> PairingCreated:
    """Return a new pairing code for the resident's phone; codes made for the resident before end.

    Raises ``Forbidden`` for a proxy, and where the resident works here and anybody but they or an operator asks.
    """
    await require_may_let_in(session, actor, subject.relation, subject.account_id)
    now = clock.now()
    await session.execute(
        sa.delete(Pairing).where(_pairings.c.resident_id == subject.resident_id, _pairings.c.redeemed_at.is_(None))
    )
    code = new_secret()
    row = Pairing(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        created_by=actor.id,
        digest=digest(code),
        expires_at=now + timedelta(minutes=settings().signin.pairing_minutes),
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, action="pairing:create", resident_id=subject.resident_id, object_id=row.id)
    uri = f"{SCHEME}?server={settings().http.public_url}&code={code}"
    return PairingCreated(id=row.id, code=code, uri=uri, qr_svg=qr_svg(uri), expires_at=row.expires_at)


async def redeem(session: AsyncSession, code: str, device_label: str | None) -> PairedPhone:
    """Return a session of the resident and a device credential for a pairing code.

    Raises ``PairingCodeInvalid`` unless the code is known, unused and not expired, and the account is active.
    """
    statement = sa.select(Pairing).where(_pairings.c.digest == digest(code)).with_for_update()
    row = await session.scalar(statement)
    if row is None or row.redeemed_at is not None or row.expires_at <= clock.now():
        raise PairingCodeInvalid
    resident = await session.get_one(Resident, row.resident_id)
    account = await session.get_one(Account, resident.account_id)
    if account.state != "active":
        raise PairingCodeInvalid
    row.redeemed_at = clock.now()
    credential = await issue_device_credential(session, resident, device_label)
    tokens = await sessions.begin(session, account, "pairing", device_label)
    actor = Actor(kind="account", id=account.id, community_id=account.community_id, session_id=tokens.session_id)
    await audit.record(
        session,
        actor,
        action="pairing:redeem",
        resident_id=resident.id,
        object_id=row.id,
        details={"device_credential_id": str(credential.id)},
    )
    fact = PhonePaired(aggregate_id=account.id, community_id=account.community_id, paired_by=row.created_by)
    await emit(session, fact)
    return PairedPhone(tokens=tokens, device_credential=str(credential), resident_id=resident.id)


async def purge() -> int:
    """Delete a batch of pairing codes a day after they expired; return how many went."""
    async with unit_of_work() as session:
        return await delete_past(session, _pairings, "expires_at", clock.now() - EXPIRED_KEPT)
