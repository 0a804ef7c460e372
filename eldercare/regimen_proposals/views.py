"""The SQL that reads proposals."""

import uuid
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from eldercare.medication.rules import UNITS
from eldercare.regimen_proposals import rules
from eldercare.regimen_proposals.models import PRESCRIBED, PROPOSALS, REASON
from eldercare.regimen_proposals.schemas import Prescribed, RegimenProposalPublic, RegimenSuggestion

_KIND: Final = "eldercare.regimen_proposals"
_p = PROPOSALS.c
_of_resident: Final = sa.select(PROPOSALS).where(_p.resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
_page: Final = (
    _of_resident.where(after((_p.id,), ("after_id",), descending=True))
    .order_by(_p.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_PAGES: Final = {False: _page, True: _page.where(_p.state == sa.bindparam("of_state", type_=sa.Text))}
_ONE: Final = _of_resident.where(_p.id == sa.bindparam("proposal_id", type_=sa.Uuid))


async def proposals(
    connection: AsyncConnection, resident_id: uuid.UUID, state: rules.State | None, page: PageRequest
) -> Page[RegimenProposalPublic]:
    """Return a page of a resident's proposals, the last first."""
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds: dict[str, Any] = {
        "resident_id": resident_id,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    if state is not None:
        binds["of_state"] = state
    rows = (await connection.execute(_PAGES[state is not None], binds)).all()
    return Page(items=[shown(row) for row in rows[: page.limit]], next=next_cursor(_KIND, rows, page.limit, ("id",)))


async def proposal(
    connection: AsyncConnection, resident_id: uuid.UUID, proposal_id: uuid.UUID
) -> RegimenProposalPublic:
    """Return a resident's proposal; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": resident_id, "proposal_id": proposal_id})).one_or_none()
    if row is None:
        raise NotFound
    return shown(row)


def prescribed_of(sealed: str) -> Prescribed:
    """Return what a proposal keeps of the prescription."""
    return Prescribed.model_validate_json(unseal(sealed, PRESCRIBED))


def shown(row: Any) -> RegimenProposalPublic:
    """Return a proposal as it is shown."""
    prescribed = prescribed_of(row.prescribed)
    values = {name: getattr(row, name) for name in RegimenProposalPublic.model_fields if hasattr(row, name)}
    return RegimenProposalPublic.model_validate(
        values
        | {
            "prescribed": prescribed,
            "suggestion": _suggestion(prescribed),
            "is_urgent": row.urgent,
            "reason": unseal(row.reason, REASON) if row.reason else None,
        }
    )


def _suggestion(prescribed: Prescribed) -> RegimenSuggestion | None:
    timing, dose = prescribed.timing, prescribed.dose
    if timing is None:
        return None
    found = rules.suggestion(timing.frequency, timing.period_days, timing.times_of_day, as_needed=timing.as_needed)
    if found is None:
        return None
    counts = dose is not None and dose.unit in UNITS
    return RegimenSuggestion(
        timing=found.timing,
        times=list(found.times),
        rrule=found.rrule,
        quantity=Decimal(str(dose.value)) if dose is not None and counts else None,
        unit=dose.unit if dose is not None and counts else None,
        starts_on=prescribed.starts_on,
    )
