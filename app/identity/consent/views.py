"""The SQL that reads grants."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.tables import table_of
from app.identity.consent.schemas import GrantAgreed, GrantEntry, GrantParty, GrantPublic, GrantState
from app.identity.consent.texts import explain, explain_in
from app.identity.models import Account, ConsentWording, Grant

_grants = table_of(Grant)
_grantee = sa.alias(table_of(Account), "grantee")
_giver = sa.alias(table_of(Account), "giver")

_wordings = table_of(ConsentWording)

_CURSOR = "identity.grants"
_LATEST = uuid.UUID(int=(1 << 128) - 1)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))


def _grants_of_resident() -> sa.Select[Any]:
    return (
        sa.select(
            _grants,
            _grantee.c.name.label("grantee_name"),
            _giver.c.name.label("giver_name"),
            _wordings.c.edition,
            _wordings.c.language.label("wording_language"),
            _wordings.c.content.label("wording"),
        )
        .join(_grantee, _grantee.c.id == _grants.c.grantee_account_id)
        .outerjoin(_wordings, _wordings.c.id == _grants.c.wording_id)
        .outerjoin(_giver, _giver.c.id == _grants.c.granted_by)
        .where(_grants.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
    )


_ONE = _grants_of_resident().where(_grants.c.id == sa.bindparam("grant_id", type_=sa.Uuid))


_stands = sa.and_(_grants.c.revoked_at.is_(None), sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > _now))


@cache
def _page(*, ended: bool) -> sa.Select[Any]:
    statement = (
        _grants_of_resident()
        .where(_grants.c.id < sa.bindparam("before_id", type_=sa.Uuid))
        .order_by(_grants.c.id.desc())
        .limit(sa.bindparam("rows", type_=sa.Integer))
    )
    return statement if ended else statement.where(_stands)


_shares = sa.and_(
    sa.bindparam("scope", type_=sa.Text) == sa.any_(_grants.c.scopes),
    _grants.c.revoked_at.is_(None),
    _grants.c.starts_at <= _now,
    sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > _now),
)
_GRANTEES = (
    sa.select(_grants.c.grantee_account_id)
    .distinct()
    .where(
        _grants.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), _grants.c.kind != "break_glass", _shares
    )
)
_SHARING = (
    sa.select(_grants.c.resident_id)
    .distinct()
    .where(
        _grants.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        _grants.c.kind.in_(("consent", "proxy")),
        _shares,
    )
)


async def residents_sharing(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], scope: str
) -> set[uuid.UUID]:
    """Return those residents who let somebody, by a consent or a proxy's, have ``scope``.

    What is kept only because somebody may see it has no reason to be there for anybody else. Emergency access is none:
    it opens what is there.
    """
    binds = {"resident_ids": list(resident_ids), "scope": scope, "now": clock.now()}
    return set(await connection.scalars(_SHARING, binds))


_page_traced = cache(lambda *, ended: audit.traced(_page(ended=ended), "grants:read"))


async def grants(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    language: str,
    *,
    ended: bool,
) -> Page[GrantPublic]:
    """Return a page of a resident's grants, newest first; those that have ended only if asked for.

    Read by anybody but the resident, it leaves a trace.
    """
    (before_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (_LATEST,)
    now = clock.now()
    binds: dict[str, Any] = {
        "resident_id": resident_id,
        "before_id": uuid.UUID(str(before_id)),
        "rows": page.limit + 1,
    }
    if not ended:
        binds["now"] = now
    statement = _page(ended=ended)
    if actor.resident_id != resident_id:
        statement = _page_traced(ended=ended)
        binds |= audit.trace_binds(actor, resident_id=resident_id)
    rows = (await connection.execute(statement, binds)).all()
    items = [_public(row, language, now) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["id"]))


@dataclass(frozen=True, slots=True)
class GrantQuery:
    """Which grants of a resident are meant: nothing given, all."""

    ids: Collection[uuid.UUID] | None = None
    grantee_ids: Collection[uuid.UUID] | None = None
    in_force: bool | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(sa.Uuid))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


_since, _before = (sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("updated_since", "updated_before"))
_ENTRIES = (
    _grants_of_resident()
    .where(
        _grants.c.id < sa.bindparam("before_id", type_=sa.Uuid),
        _among(_grants.c.id, "ids"),
        _among(_grants.c.grantee_account_id, "grantee_ids"),
        sa.func.coalesce(sa.bindparam("in_force", type_=sa.Boolean) == _stands, sa.true()),
        sa.or_(_since.is_(None), _grants.c.updated_at >= _since),
        sa.or_(_before.is_(None), _grants.c.updated_at < _before),
    )
    .order_by(_grants.c.id.desc())
    .limit(sa.bindparam("rows", type_=sa.Integer))
)
_ENTRIES_TRACED = audit.traced(_ENTRIES, "grants:read")
_WHOSE = sa.select(_grants.c.resident_id).where(_grants.c.id == sa.bindparam("grant_id", type_=sa.Uuid))


async def entries(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    query: GrantQuery,
    page: PageRequest,
    language: str,
) -> Page[GrantEntry]:
    """Return a page of a resident's grants as other systems keep them, newest first; traced as ``grants`` is."""
    (before_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (_LATEST,)
    now = clock.now()
    binds: dict[str, Any] = {
        **asdict(query),
        "resident_id": resident_id,
        "before_id": uuid.UUID(str(before_id)),
        "rows": page.limit + 1,
        "now": now,
    }
    statement = _ENTRIES
    if actor.resident_id != resident_id:
        statement = _ENTRIES_TRACED
        binds |= audit.trace_binds(actor, resident_id=resident_id)
    rows = (await connection.execute(statement, binds)).all()
    items = [
        GrantEntry(**_public(row, language, now).model_dump(), updated_at=row.updated_at) for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["id"]))


async def whose(connection: AsyncConnection, grant_id: uuid.UUID) -> uuid.UUID:
    """Return the resident a grant is of, for a check of who may see it; raises ``NotFound``."""
    found: uuid.UUID | None = await connection.scalar(_WHOSE, {"grant_id": grant_id})
    if found is None:
        raise NotFound
    return found


def grant_revoked_at(grant_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[datetime]:
    """Return SQL for when the grant was revoked whose id is the column's value; null while it was not."""
    named = _grants.alias()
    return sa.select(named.c.revoked_at).where(named.c.id == grant_id).correlate_except(named).scalar_subquery()


async def grantees(connection: AsyncConnection, resident_id: uuid.UUID, scope: str) -> set[uuid.UUID]:
    """Return whom the resident lets see or do ``scope`` now; emergency access is not counted."""
    binds = {"resident_id": resident_id, "scope": scope, "now": clock.now()}
    return set(await connection.scalars(_GRANTEES, binds))


async def grant(connection: AsyncConnection, resident_id: uuid.UUID, grant_id: uuid.UUID, language: str) -> GrantPublic:
    """Return one of a resident's grants; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": resident_id, "grant_id": grant_id})).one_or_none()
    if row is None:
        raise NotFound
    return _public(row, language, clock.now())


def _public(row: Any, language: str, now: datetime) -> GrantPublic:
    return GrantPublic(
        id=row.id,
        resident_id=row.resident_id,
        grantee=GrantParty(account_id=row.grantee_account_id, name=row.grantee_name),
        granted_by=GrantParty(account_id=row.granted_by, name=row.giver_name),
        kind=row.kind,
        scopes=row.scopes,
        explanation=explain(language, row.kind, row.grantee_name, row.scopes),
        agreed=_agreed(row),
        alarm_id=row.reason_id,
        state=_state(row, now),
        starts_at=row.starts_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        version=row.version,
    )


def _agreed(row: Any) -> GrantAgreed | None:
    if row.wording is None:
        return None
    text = explain_in(row.wording, row.kind, row.grantee_name, row.scopes)
    return GrantAgreed(edition=row.edition, language=row.wording_language, text=text, at=row.agreed_at)


async def agreed(connection: AsyncConnection, resident_id: uuid.UUID) -> dict[uuid.UUID, GrantAgreed]:
    """Return what a resident agreed to, by grant, also where it has ended; for the resident's own eyes."""
    rows = await connection.execute(_grants_of_resident(), {"resident_id": resident_id})
    return {row.id: said for row in rows if (said := _agreed(row))}


def _state(row: Any, now: datetime) -> GrantState:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "upcoming" if row.starts_at > now else "in_force"
