"""The SQL that reads prescriptions and requests for them again."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.api import account_name, actor_binds, is_visible, trace_read
from telemedicine.clinics.models import Practitioner
from telemedicine.prescriptions.models import (
    ACKNOWLEDGED,
    ANSWER,
    CONTENT,
    END_REASON,
    NOTE,
    OBJECTION,
    PRESCRIPTIONS,
    RENEWALS,
)
from telemedicine.prescriptions.rules import LONGEST_LINE, Status, dispensing
from telemedicine.prescriptions.schemas import (
    Objection,
    PrescriptionContent,
    PrescriptionPublic,
    PrescriptionQuery,
    PrescriptionStanding,
    RenewalPublic,
    WarningAcknowledgement,
)
from telemedicine.records.access import READ, RecordSubject
from telemedicine.records.schemas.parts import code_key

_LIST, _REQUESTS, _WAITING = (
    "telemedicine.prescriptions",
    "telemedicine.renewal_requests",
    "telemedicine.clinic_renewal_requests",
)
_ACKNOWLEDGED: Final = TypeAdapter(list[WarningAcknowledgement])
_limit = sa.bindparam("limit", type_=sa.Integer)
_p, _r = PRESCRIPTIONS.c, RENEWALS.c
_seen_by = table_of(Practitioner).alias("seen_by")
_practitioner: Final = (
    sa.select(_seen_by.c.id)
    .where(
        _seen_by.c.organization_id == _p.organization_id,
        _seen_by.c.account_id == sa.func.coalesce(_p.signed_by, _p.author_id),
    )
    .correlate_except(_seen_by)
    .scalar_subquery()
)
_shown: Final = sa.select(
    PRESCRIPTIONS,
    _practitioner.label("practitioner_id"),
    account_name(_p.author_id).label("author_name"),
    account_name(_p.signed_by).label("signer_name"),
).where(_p.resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
# What a draft says is the clinics': a resident must not take for prescribed what nobody has signed.
_seen: Final = sa.or_(_p.signed_at.is_not(None), _p.organization_id.in_(sa.bindparam("clinics", expanding=True)))
_page: Final = _shown.where(_seen, after((_p.id,), ("after_id",), descending=True)).order_by(_p.id.desc()).limit(_limit)
_PAGES: Final = {False: _page, True: _page.where(_p.status == sa.bindparam("status", type_=_p.status.type))}
_AUTHORED: Final = sa.func.coalesce(_p.signed_at, _p.created_at)


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _within(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    since, before = (sa.bindparam(f"{name}_{end}", type_=sa.DateTime(timezone=True)) for end in ("since", "before"))
    return sa.and_(sa.or_(since.is_(None), column >= since), sa.or_(before.is_(None), column < before))


_FOUND: Final = (
    _shown.where(
        _seen,
        _among(_p.id, "ids"),
        _among(_p.status, "statuses"),
        _among(_p.code_key, "code_keys"),
        _among(_practitioner, "practitioner_ids"),
        _among(_p.encounter_id, "encounter_ids"),
        _within(_AUTHORED, "authored"),
        _within(_p.updated_at, "updated"),
        after((_p.id,), ("after_id",), descending=True),
    )
    .order_by(_p.id.desc())
    .limit(_limit)
)
_ONE: Final = _shown.where(_seen, _p.id == sa.bindparam("prescription_id", type_=sa.Uuid))
_WHOSE: Final = (
    sa.select(_p.resident_id).distinct().where(_p.id == sa.any_(sa.bindparam("prescription_ids", type_=ARRAY(sa.Uuid))))
)
_SIGNED: Final = _shown.where(
    _p.signed_at.is_not(None), _p.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
).order_by(_p.id)
_OF_RESIDENT: Final = (
    sa.select(RENEWALS)
    .where(
        _r.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        after((_r.id,), ("after_id",), descending=True),
    )
    .order_by(_r.id.desc())
    .limit(_limit)
)
_OF_CLINIC: Final = traced_each(
    sa.select(RENEWALS)
    .where(
        _r.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        _r.state == sa.literal_column("'requested'"),
        is_visible(_r.resident_id, READ),
        after((_r.id,), ("after_id",)),
    )
    .order_by(_r.id)
    .limit(_limit),
    "renewal_requests:list",
)
_successor = PRESCRIPTIONS.alias("successor")
_line = sa.select(_p.replaces_id.label("id"), sa.literal(1).label("depth")).where(
    _p.id == sa.bindparam("of_prescription", type_=sa.Uuid), _p.replaces_id.is_not(None)
)
_line_cte = _line.cte("line", recursive=True)
_earlier = PRESCRIPTIONS.alias("earlier")
_LINE: Final = sa.select(
    _line_cte.union_all(
        sa.select(_earlier.c.replaces_id, _line_cte.c.depth + 1)
        .join(_line_cte, _line_cte.c.id == _earlier.c.id)
        .where(_earlier.c.replaces_id.is_not(None), _line_cte.c.depth < LONGEST_LINE)
    )
)
_STANDING: Final = (
    sa.select(
        _p.id,
        _p.version,
        _p.community_id,
        _p.resident_id,
        _p.status,
        _p.content,
        _p.taken_until,
        _p.replaces_id,
        account_name(_p.signed_by).label("signer_name"),
        sa.exists().where(_successor.c.replaces_id == _p.id, _successor.c.signed_at.is_not(None)).label("is_replaced"),
    )
    .where(_p.id == sa.any_(sa.bindparam("prescription_ids", type_=ARRAY(sa.Uuid))), _p.signed_at.is_not(None))
    .order_by(_p.resident_id, _p.id)
)


async def standings(connection: AsyncConnection, prescription_ids: Collection[uuid.UUID]) -> list[PrescriptionStanding]:
    """Return signed prescriptions as they stand, those of one resident together."""
    rows = (await connection.execute(_STANDING, {"prescription_ids": list(prescription_ids)})).all()
    return [
        PrescriptionStanding(
            id=row.id,
            version=row.version,
            community_id=row.community_id,
            resident_id=row.resident_id,
            status=row.status,
            content=PrescriptionContent.model_validate_json(unseal(row.content, CONTENT)),
            signer_name=row.signer_name,
            taken_until=row.taken_until,
            is_replaced=row.is_replaced,
            replaces=await _line_of(connection, row) if row.replaces_id is not None else (),
        )
        for row in rows
    ]


async def _line_of(connection: AsyncConnection, row: Any) -> list[uuid.UUID]:
    found = await connection.execute(_LINE, {"of_prescription": row.id})
    return [one.id for one in sorted(found, key=lambda one: one.depth)]


async def prescriptions(
    connection: AsyncConnection, subject: RecordSubject, status: Status | None, page: PageRequest
) -> Page[PrescriptionPublic]:
    """Return a page of a resident's prescriptions, the last first; drafts to the clinic that drafts them alone."""
    binds = _binds(subject) | _paging(_LIST, page) | ({"status": status} if status else {})
    rows = (await connection.execute(_PAGES[status is not None], binds)).all()
    await trace_read(connection, subject.actor, subject.resident, "prescriptions:list")
    return Page(items=[_public(row) for row in rows[: page.limit]], next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def found(
    connection: AsyncConnection, subject: RecordSubject, query: PrescriptionQuery, page: PageRequest
) -> Page[PrescriptionPublic]:
    """Return a page of those of a resident's prescriptions that are looked for, the last first; see ``prescriptions``.

    A code is found by its system and itself, both exactly: there is nothing but its blind index.
    """
    wanted = asdict(query)
    codes = wanted.pop("codes")
    keys = None if codes is None else [code_key(system, code) for system, code in codes]
    binds = _binds(subject) | _paging(_LIST, page) | wanted | {"code_keys": keys}
    rows = (await connection.execute(_FOUND, binds)).all()
    await trace_read(connection, subject.actor, subject.resident, "prescriptions:list")
    return Page(items=[_public(row) for row in rows[: page.limit]], next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def prescription(
    connection: AsyncConnection, subject: RecordSubject, prescription_id: uuid.UUID
) -> PrescriptionPublic:
    """Return a prescription, with a trace; raises ``NotFound``."""
    found = await written(connection, subject, prescription_id)
    await trace_read(connection, subject.actor, subject.resident, "prescription:read", prescription_id)
    return found


async def of_ids(
    connection: AsyncConnection, resident_id: uuid.UUID, ids: Sequence[uuid.UUID]
) -> list[PrescriptionPublic]:
    """Return those of a resident's prescriptions that are signed, for whoever's rights were asked."""
    binds = {"resident_id": resident_id, "ids": list(ids)}
    return [_public(row) for row in await connection.execute(_SIGNED, binds)]


async def residents_of(connection: AsyncConnection, prescription_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return whose prescriptions they are."""
    return list(await connection.scalars(_WHOSE, {"prescription_ids": list(prescription_ids)}))


async def written(
    connection: AsyncConnection, subject: RecordSubject, prescription_id: uuid.UUID
) -> PrescriptionPublic:
    """Return a prescription to who just wrote it; raises ``NotFound``."""
    row = (await connection.execute(_ONE, _binds(subject) | {"prescription_id": prescription_id})).one_or_none()
    if row is None:
        raise NotFound
    return _public(row)


async def renewals(connection: AsyncConnection, subject: RecordSubject, page: PageRequest) -> Page[RenewalPublic]:
    """Return a page of what a resident asked for again, the last first."""
    binds = {"resident_id": subject.resident.resident_id, **_paging(_REQUESTS, page)}
    rows = (await connection.execute(_OF_RESIDENT, binds)).all()
    await trace_read(connection, subject.actor, subject.resident, "renewal_requests:list")
    return _requests(_REQUESTS, rows, page)


async def waiting(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, page: PageRequest
) -> Page[RenewalPublic]:
    """Return a page of what a clinic is asked for and has not answered, the longest waiting first."""
    binds = {
        "organization_id": organization_id,
        **_paging(_WAITING, page),
        **actor_binds(actor, READ),
        **trace_each_binds(actor, shown=page.limit),
    }
    return _requests(_WAITING, (await connection.execute(_OF_CLINIC, binds)).all(), page)


def renewal(row: Any) -> RenewalPublic:
    """Return a request as it is shown."""
    return RenewalPublic(
        id=row.id,
        resident_id=row.resident_id,
        prescription_id=row.prescription_id,
        state=row.state,
        requested_by=row.requested_by,
        created_at=row.created_at,
        note=unseal(row.note, NOTE) if row.note else None,
        next_step_at=row.next_step_at,
        answered_at=row.answered_at,
        answer=unseal(row.answer, ANSWER) if row.answer else None,
        draft_id=row.draft_id,
    )


def _requests(kind: str, rows: Sequence[Any], page: PageRequest) -> Page[RenewalPublic]:
    return Page(items=[renewal(row) for row in rows[: page.limit]], next=next_cursor(kind, rows, page.limit, ("id",)))


def _binds(subject: RecordSubject) -> dict[str, Any]:
    return {"resident_id": subject.resident.resident_id, "clinics": list(subject.clinics)}


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}


def _public(row: Any) -> PrescriptionPublic:
    shown = {name: getattr(row, name) for name in PrescriptionPublic.model_fields if name in row._fields}
    content = PrescriptionContent.model_validate_json(unseal(row.content, CONTENT))
    acknowledged = _ACKNOWLEDGED.validate_json(unseal(row.acknowledged, ACKNOWLEDGED)) if row.acknowledged else []
    return PrescriptionPublic(
        **shown
        | {
            "content": content,
            "acknowledged": acknowledged,
            "dispenses_allowed": 1 + content.repeats,
            "dispensing": dispensing(row.dispensed, content.repeats),
            "objection": _objection(row),
            "end_reason": unseal(row.end_reason, END_REASON) if row.end_reason else None,
        }
    )


def _objection(row: Any) -> Objection | None:
    if row.objection is None:
        return None
    return Objection(at=row.objected_at, by=row.objected_by, reason=unseal(row.objection, OBJECTION))
