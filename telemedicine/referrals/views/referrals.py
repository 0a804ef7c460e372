"""The SQL that reads referrals: a resident's, a clinic's, one with its history, and what changed."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.changes import Since, changed_of
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import blind_index, unseal
from app.identity.api import account_name, organizations_named, resident_name
from telemedicine.referrals.access import REFERRAL_CONTENT, REFERRAL_KNOWN, Subject, seat_binds, trace
from telemedicine.referrals.models import CHANGES, CODE, CONTENT, LETTER, REASON, REFERRALS
from telemedicine.referrals.schemas.referrals import (
    LetterKept,
    LetterPublic,
    OfferedTime,
    ReferralChangePublic,
    ReferralDetail,
    ReferralPublic,
    ReferralReason,
    StoredContent,
)
from telemedicine.referrals.views.parts import Shared, items_of, steps_of

_KIND: Final = "telemedicine.referrals"
_INSTANT = sa.DateTime(timezone=True)
_r = REFERRALS.c
_limit = sa.bindparam("limit", type_=sa.Integer)
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_NAMES: Final = (
    resident_name(_r.resident_id).label("resident_name"),
    account_name(_r.requested_by).label("requester_name"),
    sa.select(CHANGES.c.reason)
    .where(CHANGES.c.referral_id == _r.id, CHANGES.c.number == _r.number)
    .correlate(REFERRALS)
    .scalar_subquery()
    .label("last_reason"),
)
_SHOWN: Final = sa.select(REFERRALS, *_NAMES, REFERRAL_CONTENT.label("sees_content")).where(REFERRAL_KNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralQuery:
    """Which referrals are meant, of those the actor may know of: nothing given, all."""

    ids: Collection[uuid.UUID] | None = None
    resident_id: uuid.UUID | None = None
    from_ids: Collection[uuid.UUID] | None = None
    to_ids: Collection[uuid.UUID] | None = None
    states: Collection[str] | None = None
    urgencies: Collection[str] | None = None
    codes: Collection[tuple[str, str]] | None = None
    requested_since: datetime | None = None
    requested_before: datetime | None = None
    changed_since: datetime | None = None
    changed_before: datetime | None = None

    def binds(self) -> dict[str, Any]:
        """Return the parameters of the statements below."""
        keys = None if self.codes is None else [blind_index(CODE, f"{system}|{code}") for system, code in self.codes]
        given = {name: value for name, value in asdict(self).items() if name != "codes"}
        lists = {name: sorted(value) if isinstance(value, set | frozenset) else value for name, value in given.items()}
        return lists | {"code_keys": keys}


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _within(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    since, before = (sa.bindparam(f"{name}_{end}", type_=_INSTANT) for end in ("since", "before"))
    return sa.and_(sa.or_(since.is_(None), column >= since), sa.or_(before.is_(None), column < before))


def _list(*whose: sa.ColumnElement[bool]) -> sa.Select[Any]:
    statement = (
        _SHOWN.where(
            *whose,
            _among(_r.id, "ids"),
            _among(_r.state, "states"),
            _among(_r.urgency, "urgencies"),
            _among(_r.code_key, "code_keys"),
            _within(_r.requested_at, "requested"),
            _within(_r.changed_at, "changed"),
            after((_r.id,), ("after_id",), descending=True),
        )
        .order_by(_r.id.desc())
        .limit(_limit)
    )
    return traced_each(statement, "referrals:list")


_of_resident = _r.resident_id == _resident
_to = _r.to_organization_id == sa.any_(sa.bindparam("to_ids", type_=ARRAY(sa.Uuid)))
_from = _r.from_organization_id == sa.any_(sa.bindparam("from_ids", type_=ARRAY(sa.Uuid)))
# One statement for each index that can lead.
_LISTS: Final = {
    (of_one, to, by): _list(*([_of_resident] if of_one else []), *([_to] if to else []), *([_from] if by else []))
    for of_one in (False, True)
    for to in (False, True)
    for by in (False, True)
    if of_one or to or by
} | {(False, False, False): _list(_r.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))}
_ONE: Final = _SHOWN.where(_r.id == sa.bindparam("referral_id", type_=sa.Uuid))
_HISTORY: Final = (
    sa.select(CHANGES)
    .where(
        CHANGES.c.referral_id == sa.bindparam("referral_id", type_=sa.Uuid),
        after((CHANGES.c.number,), ("after_number",), descending=True),
    )
    .order_by(CHANGES.c.number.desc())
    .limit(_limit)
)
_CHANGED: Final = changed_of([*REFERRALS.c, *_NAMES, sa.true().label("sees_content")], REFERRALS, _r.changed_at).where(
    _r.requested_at.is_not(None)
)


async def referrals(
    connection: AsyncConnection, actor: Actor, query: ReferralQuery, page: PageRequest
) -> Page[ReferralPublic]:
    """Return a page of what is asked for, the last first: of a resident, of clinics, or by ids; it is on record.

    Raises ``ValueError`` without any of them.
    """
    wanted = (query.resident_id is not None, query.to_ids is not None, query.from_ids is not None)
    if not any(wanted) and query.ids is None:
        raise ValueError("somebody's, a clinic's, or by ids")
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        **query.binds(),
        **seat_binds(actor),
        **trace_each_binds(actor, shown=page.limit),
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_LISTS[wanted], binds)).all()
    return Page(items=await _shown(connection, rows[: page.limit]), next=next_cursor(_KIND, rows, page.limit, ("id",)))


async def referral(connection: AsyncConnection, subject: Subject) -> ReferralDetail:
    """Return a referral with its history, what is late of it and which records go with it, with a trace."""
    found = await written(connection, subject)
    await trace(connection, subject, "referral:read")
    return found


async def written(
    connection: AsyncConnection, subject: Subject, referral_id: uuid.UUID | None = None
) -> ReferralDetail:
    """Return a referral to who just wrote it; ``referral_id`` is the one that followed on the subject's."""
    wanted = referral_id or subject.id
    row = (await connection.execute(_ONE, seat_binds(subject.actor) | {"referral_id": wanted})).one_or_none()
    if row is None:
        raise NotFound
    (shown,) = await _shown(connection, [row])
    changes = await history(connection, wanted, row.sees_content)
    return ReferralDetail(
        **shown.model_dump(),
        history=changes,
        steps=await steps_of(connection, wanted),
    )


async def history(
    connection: AsyncConnection,
    referral_id: uuid.UUID,
    with_reasons: bool,
    *,
    before: int | None = None,
    limit: int = 200,
) -> list[ReferralChangePublic]:
    """Return how a referral stood after each of its changes, the last first; to clerks without the reasons."""
    binds = {"referral_id": referral_id, "after_number": before, "limit": limit}
    return [
        ReferralChangePublic(
            version=row.number,
            at=row.created_at,
            state=row.state,
            side=row.side,
            changed_by=row.changed_by,
            appointment_id=row.appointment_id,
            reason=unseal(row.reason, REASON) if row.reason and with_reasons else None,
        )
        for row in await connection.execute(_HISTORY, binds)
    ]


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[ReferralPublic]:
    """Return a resident's referrals that changed, in the order of their ids, to their own side."""
    return await _shown(connection, (await connection.execute(_CHANGED, since.binds_of(resident_id))).all())


def _stored(row: Any) -> StoredContent:
    return StoredContent.model_validate_json(unseal(row.content, CONTENT))


async def _shown(connection: AsyncConnection, rows: Sequence[Any]) -> list[ReferralPublic]:
    if not rows:
        return []
    clinics = {clinic for row in rows for clinic in (row.from_organization_id, row.to_organization_id)}
    names = await organizations_named(connection, rows[0].community_id, clinics)
    shared = await items_of(connection, [row.id for row in rows if row.sees_content])
    named = {key: one.name for key, one in names.items()}
    return [_public(row, named, shared.get(row.id) or Shared()) for row in rows]


def _public(row: Any, names: dict[uuid.UUID, str], shared: Shared) -> ReferralPublic:
    given = {name: getattr(row, name) for name in ReferralPublic.model_fields if name in row._fields}
    stored = _stored(row) if row.sees_content else None
    letter = None
    if row.letter is not None and row.letter_record_id is not None and row.sees_content:
        letter = _letter(row)
    return ReferralPublic(
        **given
        | {
            "version": row.number,
            "from_organization": names.get(row.from_organization_id, ""),
            "to_organization": names.get(row.to_organization_id, ""),
            "content": ReferralReason(service=stored.service, reason=stored.reason) if stored else None,
            "reason": unseal(row.last_reason, REASON) if row.last_reason and row.sees_content else None,
            "health_records": shared.health_records,
            "prescriptions": shared.prescriptions,
            "vitals": stored.vitals if stored else None,
            "offers": [OfferedTime.model_validate(offer) for offer in row.offers],
            "letter": letter,
        }
    )


def _letter(row: Any) -> LetterPublic:
    kept = LetterKept.model_validate_json(unseal(row.letter, LETTER))
    return LetterPublic(health_record_id=row.letter_record_id, **kept.model_dump())
