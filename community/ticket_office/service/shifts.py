"""Tills: opened and closed with counted cash, and explained where something else is there than should be."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import Forbidden
from app.core.sealing import seal
from app.identity.api import Member, community, members_of, operator_staff
from community.ticket_office import notices, repository, rules
from community.ticket_office.access import oversees
from community.ticket_office.models import EXPLANATION, OfficeShift
from community.ticket_office.problems import DifferenceUnexplained, ShiftClosed, ShiftOpen
from community.ticket_office.schemas.given import ShiftClosing, ShiftOpening
from notifications.api import send


async def open_one(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ShiftOpening) -> OfficeShift:
    """Open a till with so much cash as was counted; raises ``ShiftOpen``: one till at a time for each."""
    now = clock.now()
    row = OfficeShift(
        community_id=actor.community_id,
        organization_id=organization_id,
        account_id=actor.id,
        currency=(await community(await session.connection(), actor.community_id)).currency,
        opened_at=now,
        opening_amount=data.counted,
        remind_at=now + rules.REMIND_AFTER,
    )
    if not await repository.add(session, row):
        raise ShiftOpen(shift_id=str(await repository.open_shift_of(session, organization_id, actor.id)))
    await audit.record(session, actor, "office_shift:open", object_id=row.id)
    return row


async def close(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, shift_id: uuid.UUID, data: ShiftClosing
) -> OfficeShift:
    """Close a till as counted, as who answers for it or who oversees it; closed so already, it stays so.

    The books say afterwards what is there. Raises ``NotFound``, ``Forbidden``, ``ShiftClosed``,
    ``DifferenceUnexplained``.
    """
    row = await repository.locked_shift(session, organization_id, shift_id)
    if row.account_id != member.actor.id and not oversees(member):
        raise Forbidden("this is another person's till")
    if row.closed_at is not None:
        if row.counted_amount == data.counted:
            return row
        raise ShiftClosed
    expected = rules.expected(row.opening_amount, *await repository.cash_of(session, row.id))
    difference = data.counted - expected
    if difference and data.explanation is None:
        raise DifferenceUnexplained(expected_amount=expected, difference_amount=difference)
    row.closed_at, row.closed_by, row.remind_at = clock.now(), member.actor.id, None
    row.counted_amount, row.expected_amount = data.counted, expected
    row.explanation = seal(data.explanation, EXPLANATION) if data.explanation else None
    await session.flush()
    if difference:
        till = billing.Till(row.community_id, row.organization_id, difference, row.currency, row.id)
        await billing.enter_difference(session, till)
    await audit.record(session, member.actor, "office_shift:close", object_id=row.id)
    return row


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell coordinators, or the operator where there is none, day by day, of tills that nobody has counted."""
    connection = await session.connection()
    for row in await repository.put_off_reminding(session, ids, clock.now() + rules.REMIND_AGAIN):
        told = (await members_of(connection, [row.organization_id], "coordinator"))[row.organization_id]
        await send(
            session,
            notices.UNCOUNTED,
            told or await operator_staff(connection, row.community_id, "operator"),
            community_id=row.community_id,
            dedupe_key=f"office_shift:{row.id}:{row.version}",
            variables={"worker": row.account_id, "opened_at": row.opened_at},
            data={"shift_id": str(row.id)},
        )
