"""The SQL that writes proposals: locks them, and moves those nobody answers from step to step."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from eldercare.regimen_proposals import rules
from eldercare.regimen_proposals.models import PROPOSALS, RegimenProposal

_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_residents = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))
_now = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_TOUCHED: Final[dict[str, Any]] = {"updated_at": _now, "version": PROPOSALS.c.version + 1}
_OF_PRESCRIPTIONS: Final = (
    sa.select(RegimenProposal)
    .where(col(RegimenProposal.prescription_id) == sa.any_(sa.bindparam("prescription_ids", type_=ARRAY(sa.Uuid))))
    .order_by(col(RegimenProposal.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_CHOSEN: Final = (
    sa.select(RegimenProposal)
    .where(col(RegimenProposal.id) == sa.any_(_ids))
    .order_by(col(RegimenProposal.id))
    .execution_options(populate_existing=True)
)
_is_urgent = PROPOSALS.c.urgent
_is_first = PROPOSALS.c.step < rules.REMINDED
_ESCALATE: Final = (
    sa.update(PROPOSALS)
    .where(PROPOSALS.c.id == sa.any_(_ids), PROPOSALS.c.state == sa.literal_column("'proposed'"))
    .values(
        step=PROPOSALS.c.step + 1,
        next_step_at=sa.case(
            (
                sa.and_(_is_first, _is_urgent),
                PROPOSALS.c.created_at + sa.literal(rules.URGENT_ANSWERED_WITHIN, sa.Interval),
            ),
            (_is_first, PROPOSALS.c.created_at + sa.literal(rules.ANSWERED_WITHIN, sa.Interval)),
            else_=_now + sa.literal(rules.CALLED_AGAIN, sa.Interval),
        ),
        **_TOUCHED,
    )
    .returning(PROPOSALS.c.id, PROPOSALS.c.community_id, PROPOSALS.c.resident_id, PROPOSALS.c.step)
)
_CLOSE: Final = (
    sa.update(PROPOSALS)
    .where(PROPOSALS.c.resident_id == sa.any_(_residents), PROPOSALS.c.next_step_at.is_not(None))
    .values(next_step_at=None, **_TOUCHED)
)
_REOPEN: Final = (
    sa.update(PROPOSALS)
    .where(PROPOSALS.c.resident_id == sa.any_(_residents), PROPOSALS.c.state == sa.literal_column("'proposed'"))
    .values(next_step_at=_now, **_TOUCHED)
)


async def lock(session: AsyncSession, resident_id: uuid.UUID, proposal_id: uuid.UUID) -> RegimenProposal:
    """Return a resident's proposal, locked and fresh; raises ``NotFound``."""
    row = await session.get(RegimenProposal, proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None or row.resident_id != resident_id:
        raise NotFound
    return row


async def of_prescriptions(
    session: AsyncSession, prescription_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, RegimenProposal]:
    """Return the proposals that were made of prescriptions, locked, by prescription."""
    rows = await session.scalars(_OF_PRESCRIPTIONS, {"prescription_ids": list(prescription_ids)})
    return {row.prescription_id: row for row in rows}


async def claimed(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[RegimenProposal]:
    """Return the proposals a worker has claimed."""
    return list(await session.scalars(_CHOSEN, {"ids": list(ids)}))


async def escalate(session: AsyncSession, ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Go on to the next step with proposals nobody has answered; return them as they are then."""
    return (await session.execute(_ESCALATE, {"ids": list(ids), "moment": clock.now()})).all()


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let nobody hear any more of proposals for residents who are no longer here."""
    await session.execute(_CLOSE, {"resident_ids": list(resident_ids), "moment": clock.now()})


async def reopen_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let people hear of the proposals for residents again who are here after all."""
    await session.execute(_REOPEN, {"resident_ids": list(resident_ids), "moment": clock.now()})
