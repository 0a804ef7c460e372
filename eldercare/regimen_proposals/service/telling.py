"""Who hears of proposals: whoever keeps the medication plan, whoever watches it, and the duty desk."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.identity.api import duty_desk, granted_accounts, members_of, organizations_serving, resident_accounts
from eldercare.regimen_proposals import rules
from eldercare.regimen_proposals.models import PROPOSALS, RegimenProposal
from eldercare.regimen_proposals.notices import (
    PRESCRIBED_REGIMEN_ENDED,
    REGIMEN_PROPOSAL_OPEN,
    REGIMEN_PROPOSAL_UNANSWERED,
    REGIMEN_PROPOSED,
)
from notifications.api import Notice, send, send_many

READ: Final = "medication:read"
MANAGE: Final = "medication:manage"

_recipient = (
    sa.func.unnest(
        sa.bindparam("proposal_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))
    )
    .table_valued(sa.column("proposal_id", sa.Uuid), sa.column("account_id", sa.Uuid))
    .render_derived("recipient")
)
_RECIPIENTS: Final = sa.select(
    _recipient.c.account_id,
    PROPOSALS.c.community_id,
    PROPOSALS.c.resident_id.label("about"),
    sa.func.concat_ws("-", "regimen_proposal", PROPOSALS.c.id, PROPOSALS.c.step).label("dedupe_key"),
    sa.func.concat_ws("-", "regimen_proposal", PROPOSALS.c.id).label("collapse_key"),
    sa.func.jsonb_build_object("resident", PROPOSALS.c.resident_id, type_=JSONB).label("variables"),
    sa.func.jsonb_build_object(
        "regimen_proposal_id",
        sa.cast(PROPOSALS.c.id, sa.Text),
        "resident_id",
        sa.cast(PROPOSALS.c.resident_id, sa.Text),
        type_=JSONB,
    ).label("data"),
).select_from(_recipient.join(PROPOSALS, PROPOSALS.c.id == _recipient.c.proposal_id))


def _granted(scope: str) -> sa.Select[Any]:
    granted = granted_accounts(scope).subquery("granted")
    return sa.select(granted.c.resident_id, granted.c.account_id).where(
        granted.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)))
    )


_GRANTED: Final = {scope: _granted(scope) for scope in (READ, MANAGE)}


async def people_with(
    connection: AsyncConnection, resident_ids: Collection[uuid.UUID], scope: str
) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Return for each resident who has ``scope`` and is told: they, whom they let, coordinators who serve them.

    Clinicians have it, too; what they prescribed is no news to them.
    """
    found: defaultdict[uuid.UUID, dict[uuid.UUID, None]] = defaultdict(dict)
    for resident_id, account_id in (await resident_accounts(connection, resident_ids)).items():
        found[resident_id][account_id] = None
    binds = {"resident_ids": list(resident_ids), "granted_at": clock.now()}
    for row in await connection.execute(_GRANTED[scope], binds):
        found[row.resident_id][row.account_id] = None
    serving = await organizations_serving(connection, resident_ids, scope)
    coordinators = await members_of(connection, set().union(*serving.values()), "coordinator")
    for resident_id, organizations in serving.items():
        for organization_id in sorted(organizations):
            found[resident_id] |= dict.fromkeys(coordinators[organization_id])
    return {resident_id: list(accounts) for resident_id, accounts in found.items()}


async def proposed(session: AsyncSession, row: RegimenProposal) -> None:
    """Tell whoever keeps the medication plan that something is to be confirmed."""
    await _tell(session, REGIMEN_PROPOSED, row, MANAGE, "proposed")


async def ended(session: AsyncSession, row: RegimenProposal) -> None:
    """Tell whoever watches the medication that what was planned of a prescription has ended with it."""
    await _tell(session, PRESCRIBED_REGIMEN_ENDED, row, READ, "ended")


async def _tell(session: AsyncSession, notice: Notice, row: RegimenProposal, scope: str, occasion: str) -> None:
    people = await people_with(await session.connection(), [row.resident_id], scope)
    await send(
        session,
        notice,
        people[row.resident_id],
        community_id=row.community_id,
        dedupe_key=f"regimen_proposal:{row.id}:{occasion}",
        variables={"resident": row.resident_id},
        about=row.resident_id,
        data={"regimen_proposal_id": str(row.id), "resident_id": str(row.resident_id)},
    )


async def unanswered(session: AsyncSession, rows: Sequence[Any]) -> None:
    """Remind those who can confirm; where they were reminded, call the duty desk."""
    connection = await session.connection()
    reminded = [row for row in rows if row.step <= rules.REMINDED]
    keepers = await people_with(connection, {row.resident_id for row in reminded}, MANAGE)
    await _tell_all(
        session, REGIMEN_PROPOSAL_OPEN, [(row.id, one) for row in reminded for one in keepers[row.resident_id]]
    )
    called = [row for row in rows if row.step > rules.REMINDED]
    desks = {place: await duty_desk(connection, place) for place in sorted({row.community_id for row in called})}
    calls = [(row.id, one) for row in called for one in desks[row.community_id]]
    await _tell_all(session, REGIMEN_PROPOSAL_UNANSWERED, calls)


async def _tell_all(session: AsyncSession, notice: Notice, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    if pairs:
        binds = {"proposal_ids": [one for one, _ in pairs], "account_ids": [account_id for _, account_id in pairs]}
        await send_many(session, notice, _RECIPIENTS, binds=binds)
