"""The SQL that reads bills, what insurers said of them, and what all that is in plain words."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.api import charges_for
from app.core import audit
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, trace_read
from telemedicine.settlement.models import BILLS, CHANGE_REASON, CHANGES, DISPOSITION, LINES, REQUESTS
from telemedicine.settlement.rules.states import State
from telemedicine.settlement.rules.words import LANGUAGES, explained
from telemedicine.settlement.schemas.bills import (
    BillChangePublic,
    BillDetail,
    BillLinePublic,
    BillPublic,
    InsurerRequestPublic,
)

_OF_CLINIC, _OF_RESIDENT = "telemedicine.clinic_bills", "telemedicine.bills"
_b = BILLS.c
_organization, _resident = sa.bindparam("organization_id", type_=sa.Uuid), sa.bindparam("resident_id", type_=sa.Uuid)
_bill = sa.bindparam("bill_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_after: Final = after((_b.id,), ("after_id",), descending=True)
_clinics: Final = (
    sa.select(BILLS).where(_b.organization_id == _organization, _after).order_by(_b.id.desc()).limit(_limit)
)
_CLINICS: Final = {
    False: traced_each(_clinics, "bills:list"),
    True: traced_each(_clinics.where(_b.state == sa.bindparam("state", type_=_b.state.type)), "bills:list"),
}
# A draft is the clinic's alone: nothing is asked of anybody yet; one that was given up was never seen.
_shown: Final = _b.issued_at.is_not(None)
_RESIDENTS: Final = (
    sa.select(BILLS).where(_b.resident_id == _resident, _shown, _after).order_by(_b.id.desc()).limit(_limit)
)
_ONE_OF_CLINIC: Final = sa.select(BILLS).where(_b.id == _bill, _b.organization_id == _organization)
_ONE_OF_RESIDENT: Final = sa.select(BILLS).where(_b.id == _bill, _b.resident_id == _resident, _shown)


def _of_bills(table: sa.Table, *order: sa.ColumnElement[Any]) -> sa.Select[Any]:
    chosen = table.c.bill_id == sa.any_(sa.bindparam("bill_ids", type_=ARRAY(sa.Uuid)))
    return sa.select(table).where(chosen).order_by(*order)


_LINES: Final = _of_bills(LINES, LINES.c.bill_id, LINES.c.sequence)
_CHANGES: Final = _of_bills(CHANGES, CHANGES.c.id)
_REQUESTS: Final = _of_bills(REQUESTS, REQUESTS.c.id)


async def of_clinic(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, state: State | None, page: PageRequest
) -> Page[BillPublic]:
    """Return a page of a clinic's bills, the last first; leaves a trace."""
    binds = {
        "organization_id": organization_id,
        **_paging(_OF_CLINIC, page),
        **trace_each_binds(actor, shown=page.limit),
        **({"state": state} if state else {}),
    }
    return _page(_OF_CLINIC, (await connection.execute(_CLINICS[state is not None], binds)).all(), page)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[BillPublic]:
    """Return a page of the bills a resident was sent, the last first; to anybody else with a trace."""
    binds = {"resident_id": subject.resident_id, **_paging(_OF_RESIDENT, page)}
    rows = (await connection.execute(_RESIDENTS, binds)).all()
    await trace_read(connection, actor, subject, "bills:list")
    return _page(_OF_RESIDENT, rows, page)


async def clinics_one(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, bill_id: uuid.UUID
) -> BillDetail:
    """Return a bill of a clinic's, whole; raises ``NotFound``; leaves a trace."""
    found = await clinics_written(connection, organization_id, bill_id)
    await audit.record(connection, actor, "bill:read", resident_id=found.resident_id, object_id=bill_id)
    return found


async def clinics_written(connection: AsyncConnection, organization_id: uuid.UUID, bill_id: uuid.UUID) -> BillDetail:
    """Return a bill to who just wrote it, which is on record as that; raises ``NotFound``."""
    return await _whole(connection, _ONE_OF_CLINIC, {"organization_id": organization_id, "bill_id": bill_id})


async def residents_one(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, bill_id: uuid.UUID
) -> BillDetail:
    """Return a bill a resident was sent, whole; raises ``NotFound``; to anybody else with a trace."""
    found = await _whole(connection, _ONE_OF_RESIDENT, {"resident_id": subject.resident_id, "bill_id": bill_id})
    await trace_read(connection, actor, subject, "bill:read", bill_id)
    return found


async def lines_of(
    connection: AsyncConnection, bill_ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, list[BillLinePublic]]:
    """Return the lines of bills, in order; the caller knows who may see them."""
    found: defaultdict[uuid.UUID, list[BillLinePublic]] = defaultdict(list)
    for row in await connection.execute(_LINES, {"bill_ids": sorted(bill_ids)}):
        found[row.bill_id].append(_line(row))
    return found


def request_public(row: Any) -> InsurerRequestPublic:
    """Return what an insurer was asked as it is shown."""
    return InsurerRequestPublic(**request_fields(row))


def request_fields(row: Any) -> dict[str, Any]:
    """Return the fields of ``InsurerRequestPublic``."""
    return _fields(InsurerRequestPublic, row) | {
        "disposition": unseal(row.disposition, DISPOSITION) if row.disposition else None
    }


async def _whole(connection: AsyncConnection, statement: sa.Select[Any], binds: dict[str, Any]) -> BillDetail:
    row = (await connection.execute(statement, binds)).one_or_none()
    if row is None:
        raise NotFound
    ids = {"bill_ids": [row.id]}
    lines = (await lines_of(connection, [row.id]))[row.id]
    changes = (await connection.execute(_CHANGES, ids)).all()
    requests = (await connection.execute(_REQUESTS, ids)).all()
    charges = await charges_for(connection, "bill", [row.id])
    return BillDetail(
        **_public(row).model_dump(),
        lines=lines,
        changes=[_change(change) for change in changes],
        requests=[request_public(request) for request in requests],
        charge=charges.get(row.id),
        explanation={language: _explained(language, row, lines) for language in LANGUAGES},
    )


def _explained(language: str, row: Any, lines: Sequence[BillLinePublic]) -> list[str]:
    return explained(
        language,
        row.state,
        row.currency,
        (row.total_amount, row.insured_amount, row.total_amount - row.insured_amount),
        [(line.name or {}, line.amount, line.insured_amount, line.insured_reason) for line in lines],
        away=row.away,
    )


def _public(row: Any) -> BillPublic:
    return BillPublic(**_fields(BillPublic, row, "own_amount") | {"own_amount": row.total_amount - row.insured_amount})


def _line(row: Any) -> BillLinePublic:
    own = None if row.insured_amount is None else row.amount - row.insured_amount
    return BillLinePublic(**_fields(BillLinePublic, row, "own_amount") | {"own_amount": own})


def _change(row: Any) -> BillChangePublic:
    return BillChangePublic(
        state=row.state,
        at=row.created_at,
        changed_by=row.changed_by,
        reason=unseal(row.reason, CHANGE_REASON) if row.reason else None,
    )


def _fields(schema: Any, row: Any, *but: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in schema.model_fields if name not in but}


def _page(kind: str, rows: Sequence[Any], page: PageRequest) -> Page[BillPublic]:
    return Page(items=[_public(row) for row in rows[: page.limit]], next=next_cursor(kind, rows, page.limit, ("id",)))


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
