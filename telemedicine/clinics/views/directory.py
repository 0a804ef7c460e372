"""The SQL that reads clinics, places, practitioners and visit types of a whole community, by what is asked of them."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, encode_cursor, next_cursor
from app.identity.api import organizations_named
from telemedicine.clinics.access import works_for
from telemedicine.clinics.models import CLINICS, LOCATIONS, PRACTITIONERS, VISIT_TYPES
from telemedicine.clinics.rules import LONGEST_HORIZON
from telemedicine.clinics.schemas.clinics import PractitionerPublic
from telemedicine.clinics.schemas.directory import (
    ClinicEntry,
    LocationEntry,
    PractitionerEntry,
    ScheduleEntry,
    VisitTypeEntry,
)
from telemedicine.clinics.views.clinics import photos, visit_type_public
from telemedicine.clinics.views.offers import SlotQuery, load

_KIND: Final = "telemedicine.directory"
_INSTANT: Final = sa.DateTime(timezone=True)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryQuery:
    """What is looked for; nothing given: all there is. ``name`` is a LIKE pattern for lower-case names."""

    ids: Collection[uuid.UUID] | None = None
    organization_ids: Collection[uuid.UUID] | None = None
    name: str | None = None
    specialties: Collection[str] | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _directory(
    table: sa.Table, *conditions: sa.ColumnElement[bool], key: str = "id", names: Collection[Any] = ()
) -> sa.Select[Any]:
    pattern, since, before = (
        sa.bindparam("name", type_=sa.Text),
        sa.bindparam("updated_since", type_=_INSTANT),
        sa.bindparam("updated_before", type_=_INSTANT),
    )
    matches = [sa.or_(pattern.is_(None), *(sa.func.lower(name).like(pattern, escape="\\") for name in names))]
    return (
        sa.select(table)
        .where(
            _among(table.c[key], "ids"),
            _among(table.c.organization_id, "organization_ids"),
            sa.or_(since.is_(None), table.c.updated_at >= since),
            sa.or_(before.is_(None), table.c.updated_at < before),
            *(matches if names else ()),
            *conditions,
            after((table.c[key],), ("after_id",)),
        )
        .order_by(table.c[key])
        .limit(_LIMIT)
    )


_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_works_there = sa.bindparam("works_for", type_=ARRAY(sa.Uuid))


def _here(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        CLINICS.c.organization_id == table.c.organization_id, CLINICS.c.community_id == _community_id
    )


def _translations(table: sa.Table) -> list[Any]:
    return [table.c.name["en"].astext, table.c.name["zh-CN"].astext]


_CLINICS = _directory(CLINICS, CLINICS.c.community_id == _community_id, key="organization_id")
_LOCATIONS = _directory(LOCATIONS, _here(LOCATIONS), names=_translations(LOCATIONS))
# What is put aside, or only the clinic books, is seen by those who work there.
_PRACTITIONERS = _directory(
    PRACTITIONERS,
    PRACTITIONERS.c.community_id == _community_id,
    sa.or_(PRACTITIONERS.c.is_active, PRACTITIONERS.c.organization_id == sa.any_(_works_there)),
    sa.or_(
        sa.bindparam("specialties", type_=ARRAY(sa.Text)).is_(None),
        PRACTITIONERS.c.specialties.overlap(sa.bindparam("specialties", type_=ARRAY(sa.Text))),
    ),
    names=[PRACTITIONERS.c.name],
)
_PRACTITIONER_OF = (
    sa.select(PRACTITIONERS.c.id)
    .where(PRACTITIONERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid), PRACTITIONERS.c.is_active)
    .order_by(PRACTITIONERS.c.id)
    .limit(1)
)
_VISIT_TYPES = _directory(
    VISIT_TYPES,
    VISIT_TYPES.c.community_id == _community_id,
    sa.or_(
        sa.and_(VISIT_TYPES.c.is_active, VISIT_TYPES.c.bookable_by != "clinic"),
        VISIT_TYPES.c.organization_id == sa.any_(_works_there),
    ),
    _among(VISIT_TYPES.c.specialty, "specialties"),
    names=_translations(VISIT_TYPES),
)


async def clinics(
    connection: AsyncConnection, actor: Actor, query: DirectoryQuery, page: PageRequest
) -> Page[ClinicEntry]:
    """Return a page of the clinics of the actor's community; ``ids`` are those of their organizations."""
    rows = await _rows(connection, _CLINICS, actor, query, page)
    named = await organizations_named(connection, actor.community_id, [row.organization_id for row in rows])
    names = ClinicEntry.model_fields.keys() - {"name"}
    items = [
        ClinicEntry(name=named[row.organization_id].name, **{name: getattr(row, name) for name in names})
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("organization_id",)))


async def locations(
    connection: AsyncConnection, actor: Actor, query: DirectoryQuery, page: PageRequest
) -> Page[LocationEntry]:
    """Return a page of the places of the community's clinics."""
    rows = await _rows(connection, _LOCATIONS, actor, query, page)
    return _page([LocationEntry.model_validate(row) for row in rows[: page.limit]], rows, page)


async def practitioners(
    connection: AsyncConnection, actor: Actor, query: DirectoryQuery, page: PageRequest
) -> Page[PractitionerEntry]:
    """Return a page of who sees people in the community; who does no more is seen by their clinic alone."""
    rows = await _rows(connection, _PRACTITIONERS, actor, query, page)
    shown = rows[: page.limit]
    found = await photos(connection, shown)
    items = [PractitionerEntry.model_validate(row).model_copy(update={"photo": found.get(row.id)}) for row in shown]
    return _page(items, rows, page)


async def practitioner_of(connection: AsyncConnection, account_id: uuid.UUID) -> uuid.UUID | None:
    """Return the practitioner a person is, the one they have been longest; ``None`` if they see nobody."""
    found: uuid.UUID | None = await connection.scalar(_PRACTITIONER_OF, {"account_id": account_id})
    return found


async def visit_types(
    connection: AsyncConnection, actor: Actor, query: DirectoryQuery, page: PageRequest
) -> Page[VisitTypeEntry]:
    """Return a page of what can be booked in the community, and of one's own clinics what is put aside."""
    rows = await _rows(connection, _VISIT_TYPES, actor, query, page)
    items = [
        VisitTypeEntry(**visit_type_public(row).model_dump(), updated_at=row.updated_at) for row in rows[: page.limit]
    ]
    return _page(items, rows, page)


async def schedules(
    connection: AsyncConnection,
    query: SlotQuery,
    practitioner_ids: Collection[uuid.UUID] | None,
    visit_type_ids: Collection[uuid.UUID] | None,
    page: PageRequest,
) -> Page[ScheduleEntry]:
    """Return a page of what can be booked of whom now: each practitioner with each visit type they make."""
    now = clock.now()
    found = await load(connection, query, now, now)
    position = tuple(map(uuid.UUID, decode_cursor(_KIND, page.cursor))) if page.cursor else ()
    pairs = sorted(
        (
            (person, of_type)
            for person, of_type in found.pairs
            if (person.id, of_type.id) > position
            and (practitioner_ids is None or person.id in practitioner_ids)
            and (visit_type_ids is None or of_type.id in visit_type_ids)
        ),
        key=lambda pair: (pair[0].id, pair[1].id),
    )
    items = [
        ScheduleEntry(
            **PractitionerPublic.model_validate(person).model_dump(),
            visit_type=visit_type_public(of_type),
            bookable_until=now + (LONGEST_HORIZON if found.is_staffs(of_type) else of_type.horizon),
        )
        for person, of_type in pairs[: page.limit]
    ]
    last = items[-1] if len(pairs) > page.limit else None
    return Page(items=items, next=encode_cursor(_KIND, [last.id, last.visit_type.id]) if last else None)


async def _rows(
    connection: AsyncConnection, statement: sa.Select[Any], actor: Actor, query: DirectoryQuery, page: PageRequest
) -> list[sa.Row[Any]]:
    last = uuid.UUID(decode_cursor(_KIND, page.cursor)[0]) if page.cursor else None
    binds = {
        "community_id": actor.community_id,
        "works_for": works_for(actor),
        "ids": None if query.ids is None else list(query.ids),
        "organization_ids": None if query.organization_ids is None else list(query.organization_ids),
        "name": query.name,
        "specialties": None if query.specialties is None else list(query.specialties),
        "updated_since": query.updated_since,
        "updated_before": query.updated_before,
        "limit": page.limit + 1,
        "after_id": last,
    }
    return list(await connection.execute(statement, binds))


def _page(items: list[Any], rows: list[sa.Row[Any]], page: PageRequest) -> Page[Any]:
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("id",)))
