"""What happens when a moment passes: a prescription is valid no more, or nobody has answered who asks for one again."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.identity.api import active_residents, duty_desk, granted_accounts, members_of, resident_accounts
from notifications.api import send_many
from telemedicine.prescriptions import repository, rules
from telemedicine.prescriptions.models import RENEWALS
from telemedicine.prescriptions.notices import RENEWAL_DELAYED, RENEWAL_WAITING
from telemedicine.records.access import READ

_recipient = (
    sa.func.unnest(sa.bindparam("renewal_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("account_ids", type_=ARRAY(sa.Uuid)))
    .table_valued(sa.column("renewal_id", sa.Uuid), sa.column("account_id", sa.Uuid))
    .render_derived("recipient")
)
_RECIPIENTS: Final = sa.select(
    _recipient.c.account_id,
    RENEWALS.c.community_id,
    RENEWALS.c.resident_id.label("about"),
    sa.func.concat_ws("-", "renewal_waits", RENEWALS.c.id, RENEWALS.c.step).label("dedupe_key"),
    sa.func.concat_ws("-", "renewal_waits", RENEWALS.c.id).label("collapse_key"),
    sa.func.jsonb_build_object("resident", RENEWALS.c.resident_id, type_=JSONB).label("variables"),
    sa.func.jsonb_build_object("renewal_request_id", sa.cast(RENEWALS.c.id, sa.Text), type_=JSONB).label("data"),
).select_from(_recipient.join(RENEWALS, RENEWALS.c.id == _recipient.c.renewal_id))
_granted = granted_accounts(READ).subquery("granted")
_MAY_READ: Final = sa.select(_granted.c.resident_id, _granted.c.account_id).where(
    _granted.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
)
Recipient = tuple[uuid.UUID, uuid.UUID]


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Complete the prescriptions whose last day is over."""
    await repository.expire(session, ids)


async def escalate(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell further people of requests nobody has answered: the clinic's clinicians, then its coordinators.

    Where a clinic has neither, the community's duty desk hears. With the coordinators the resident does, and who asked.
    """
    waiting = await repository.escalate(session, ids)
    connection = await session.connection()
    there = await active_residents(connection, {row.resident_id for row in waiting})
    await repository.stop_waiting(session, [row.id for row in waiting if row.resident_id not in there])
    rows = [row for row in waiting if row.resident_id in there]
    first = [row for row in rows if row.step <= rules.TO_CLINICIANS]
    later = [row for row in rows if row.step > rules.TO_CLINICIANS]
    told = [
        *await _members(connection, first, "clinician"),
        *await _members(connection, later, "coordinator"),
    ]
    await _tell(session, RENEWAL_WAITING, told)
    newly = [row for row in later if row.step == rules.TO_CLINICIANS + 1]
    await _tell(session, RENEWAL_DELAYED, await _asking(connection, newly))


async def _members(connection: AsyncConnection, rows: Sequence[Any], role: str) -> list[Recipient]:
    members = await members_of(connection, {row.organization_id for row in rows}, role)
    alone = {row.community_id for row in rows if not members[row.organization_id]}
    desks = {community_id: await duty_desk(connection, community_id) for community_id in sorted(alone)}
    return [
        (row.id, account_id) for row in rows for account_id in members[row.organization_id] or desks[row.community_id]
    ]


async def _asking(connection: AsyncConnection, rows: Sequence[Any]) -> Iterator[Recipient]:
    """Return the resident and who asked, as long as they may see it, for each of the requests."""
    residents = sorted({row.resident_id for row in rows})
    binds = {"resident_ids": residents, "granted_at": clock.now()}
    may_read = {(row.resident_id, row.account_id) for row in await connection.execute(_MAY_READ, binds)}
    accounts = await resident_accounts(connection, residents)
    return (
        (row.id, account_id)
        for row in rows
        for account_id in {accounts[row.resident_id], row.requested_by}
        if account_id == accounts[row.resident_id] or (row.resident_id, account_id) in may_read
    )


async def _tell(session: AsyncSession, notice: Any, recipients: Iterable[Recipient]) -> None:
    pairs = list(recipients)
    if pairs:
        binds = {"renewal_ids": [one for one, _ in pairs], "account_ids": [account_id for _, account_id in pairs]}
        await send_many(session, notice, _RECIPIENTS, binds=binds)
