"""Residents as other systems keep them: pages over those the actor may see, by what those systems ask for."""

import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.tables import table_of
from app.identity.models import Account, Resident
from app.identity.people.schemas import ResidentRecord
from app.identity.scopes import PROFILE_READ
from app.identity.visibility import actor_binds, is_visible, require_resident, served_binds, visible_residents

_accounts = table_of(Account)
_residents = table_of(Resident)

_CURSOR: Final = "identity.resident_records"
_INSTANT: Final = sa.DateTime(timezone=True)
_updated_at = sa.func.greatest(_residents.c.updated_at, _accounts.c.updated_at)
_RECORDS: Final = (
    sa.select(
        _residents.c.id,
        _residents.c.birth_date,
        _residents.c.reference,
        _residents.c.state,
        (_residents.c.version + _accounts.c.version).label("version"),
        _updated_at.label("updated_at"),
        _accounts.c.name,
        _accounts.c.language,
    )
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .where(_accounts.c.state != "erased")
)
_ONE: Final = _RECORDS.where(_residents.c.id == sa.bindparam("resident_id", type_=sa.Uuid))
_ONE_TRACED: Final = audit.traced(_ONE, "profile:read")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentQuery:
    """Which residents are meant, of those one may see: nothing given, all. ``name`` is a LIKE pattern, lower-case.

    Who is identified has one of ``references``, or is of ``numbered``: those whom numbers elsewhere mean.
    """

    ids: Collection[uuid.UUID] | None = None
    references: Collection[str] | None = None
    numbered: Collection[uuid.UUID] | None = None
    name: str | None = None
    lives_here: bool | None = None
    born_since: date | None = None
    born_before: date | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _within(column: sa.ColumnElement[Any], name: str, kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[bool]:
    since, before = (sa.bindparam(f"{name}_{end}", type_=kind) for end in ("since", "before"))
    return sa.and_(sa.or_(since.is_(None), column >= since), sa.or_(before.is_(None), column < before))


@cache
def _page(*, for_staff: bool) -> sa.Select[Any]:
    """Return the page's statement; staff may see most of a community, others start from the handful they see."""
    pattern, lives_here = sa.bindparam("name", type_=sa.Text), sa.bindparam("lives_here", type_=sa.Boolean)
    references = sa.bindparam("references", type_=ARRAY(sa.Text))
    numbered = sa.bindparam("numbered", type_=ARRAY(sa.Uuid))
    visible = (
        is_visible(_residents.c.id, PROFILE_READ) if for_staff else _residents.c.id.in_(visible_residents(PROFILE_READ))
    )
    statement = (
        _RECORDS.where(
            _accounts.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
            visible,
            _among(_residents.c.id, "ids"),
            sa.or_(
                sa.and_(references.is_(None), numbered.is_(None)),
                _residents.c.reference == sa.any_(references),
                _residents.c.id == sa.any_(numbered),
            ),
            sa.or_(pattern.is_(None), sa.func.lower(_accounts.c.name).like(pattern, escape="\\")),
            sa.or_(lives_here.is_(None), (_residents.c.state == sa.literal("active", sa.Text)) == lives_here),
            _within(_residents.c.birth_date, "born", sa.Date()),
            _within(_updated_at, "updated", _INSTANT),
            after((_residents.c.id,), ("after_id",)),
        )
        .order_by(_residents.c.id)
        .limit(sa.bindparam("rows", type_=sa.Integer))
    )
    return audit.traced_each(statement, "residents:list", "id")


async def record(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ResidentRecord:
    """Return a resident; raises ``NotFound``, ``Forbidden`` without ``profile:read``."""
    subject = await require_resident(connection, actor, resident_id, PROFILE_READ)
    binds: dict[str, Any] = {"resident_id": resident_id}
    statement = _ONE
    if subject.relation != "self":
        statement = _ONE_TRACED
        binds |= audit.trace_binds(actor, resident_id=resident_id, community_id=subject.community_id)
    row = (await connection.execute(statement, binds)).one_or_none()
    if row is None:
        raise NotFound
    return ResidentRecord.model_validate(row)


def records_in_reach() -> sa.Select[uuid.UUID]:
    """Return SQL for the ids (``resident_id``) of all whom ``records`` shows the bound actor of a community.

    Execute with ``reach_binds(actor)``.
    """
    return (
        sa.select(_residents.c.id.label("resident_id"))
        .join(_accounts, _accounts.c.id == _residents.c.account_id)
        .where(
            _accounts.c.state != sa.literal("erased", sa.Text),
            _accounts.c.community_id == sa.bindparam("community", type_=sa.Uuid),
            _residents.c.id.in_(visible_residents(PROFILE_READ)),
        )
    )


def reach_binds(actor: Actor) -> dict[str, Any]:
    """Return the parameters of ``records_in_reach``."""
    return actor_binds(actor, PROFILE_READ) | {"community": actor.community_id}


async def records(
    connection: AsyncConnection,
    actor: Actor,
    query: ResidentQuery,
    page: PageRequest,
    *,
    served_by: uuid.UUID | None = None,
) -> Page[ResidentRecord]:
    """Return a page of the residents of the actor's community whom the actor may see, in the order they came.

    ``served_by`` is the organization of the actor's on whose behalf they are seen; default: however they may be.
    """
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    seen = actor_binds(actor, PROFILE_READ) if served_by is None else served_binds(actor, served_by, PROFILE_READ)
    binds = {
        **asdict(query),
        **seen,
        **audit.trace_each_binds(actor, shown=page.limit),
        "community_id": actor.community_id,
        "after_id": last,
        "rows": page.limit + 1,
    }
    rows = (await connection.execute(_page(for_staff=bool(actor.memberships)), binds)).all()
    items = [ResidentRecord.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["id"]))
