"""The SQL that lists clinics and what they consist of, oldest first."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import organizations_named
from app.media.api import MediaPublic, attached
from telemedicine.clinics.access import works_for
from telemedicine.clinics.models import (
    BOOKABLE_RESOURCES,
    CLINICS,
    DEPARTMENTS,
    EXCEPTIONS,
    LOCATIONS,
    PRACTITIONERS,
    VISIT_TYPES,
)
from telemedicine.clinics.schemas.availability import ExceptionPublic
from telemedicine.clinics.schemas.clinics import (
    ClinicPublic,
    DepartmentPublic,
    LocationPublic,
    Money,
    PractitionerDetail,
    ResourcePublic,
    VisitTypePublic,
)

PHOTO_OF: Final = "telemedicine.practitioner"

_organization_id = sa.bindparam("organization_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)


def _of_clinic(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return the statement of a page of a clinic's rows."""
    return (
        sa.select(table)
        .where(table.c.organization_id == _organization_id, after((table.c.id,), ("after_id",)), *conditions)
        .order_by(table.c.id)
        .limit(_limit)
    )


_CLINICS = (
    sa.select(CLINICS)
    .where(
        CLINICS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        after((CLINICS.c.organization_id,), ("after_id",)),
    )
    .order_by(CLINICS.c.organization_id)
    .limit(_limit)
)
_DEPARTMENTS = _of_clinic(DEPARTMENTS)
_LOCATIONS = _of_clinic(LOCATIONS)
_PRACTITIONERS = _of_clinic(PRACTITIONERS)
_RESOURCES = _of_clinic(BOOKABLE_RESOURCES)
_ALL_TYPES = _of_clinic(VISIT_TYPES)
_OFFERED_TYPES = _of_clinic(VISIT_TYPES, VISIT_TYPES.c.is_active, VISIT_TYPES.c.bookable_by != "clinic")
_EXCEPTIONS = _of_clinic(EXCEPTIONS)
_ONE_TYPE = sa.select(VISIT_TYPES).where(VISIT_TYPES.c.id == sa.bindparam("visit_type_id", type_=sa.Uuid))
_ZONE = (
    sa.select(sa.func.coalesce(PRACTITIONERS.c.time_zone, CLINICS.c.time_zone))
    .join(CLINICS, CLINICS.c.organization_id == PRACTITIONERS.c.organization_id)
    .where(PRACTITIONERS.c.id == sa.bindparam("practitioner_id", type_=sa.Uuid))
)
_ITS_RESOURCES = (
    sa.select(BOOKABLE_RESOURCES)
    .where(BOOKABLE_RESOURCES.c.organization_id == _organization_id, BOOKABLE_RESOURCES.c.is_active)
    .order_by(BOOKABLE_RESOURCES.c.id)
)


async def clinics(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[ClinicPublic]:
    """Return a page of the clinics of the actor's community."""
    kind = "telemedicine.clinics"
    rows = await _rows(connection, kind, _CLINICS, page, {"community_id": actor.community_id})
    shown = rows[: page.limit]
    items = await clinics_public(connection, actor.community_id, shown)
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("organization_id",)))


async def clinics_public(
    connection: AsyncConnection, community_id: uuid.UUID, rows: Sequence[sa.Row[Any]]
) -> list[ClinicPublic]:
    """Return clinics with what they are called."""
    named = await organizations_named(connection, community_id, [row.organization_id for row in rows])
    return [
        ClinicPublic(
            organization_id=row.organization_id,
            name=named[row.organization_id].name,
            time_zone=row.time_zone,
            phone=row.phone,
            owns_diary=row.owns_diary,
            answer_within=row.answer_within,
            version=row.version,
        )
        for row in rows
    ]


async def departments(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[DepartmentPublic]:
    """Return a page of a clinic's departments."""
    rows = await _rows(connection, "departments", _DEPARTMENTS, page, {"organization_id": organization_id})
    return _page("departments", rows, page, [DepartmentPublic.model_validate(row) for row in rows[: page.limit]])


async def locations(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[LocationPublic]:
    """Return a page of a clinic's places."""
    rows = await _rows(connection, "locations", _LOCATIONS, page, {"organization_id": organization_id})
    return _page("locations", rows, page, [LocationPublic.model_validate(row) for row in rows[: page.limit]])


async def practitioners(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[PractitionerDetail]:
    """Return a page of who sees people for a clinic, as the clinic sees them."""
    rows = await _rows(connection, "practitioners", _PRACTITIONERS, page, {"organization_id": organization_id})
    return _page("practitioners", rows, page, await practitioner_details(connection, rows[: page.limit]))


async def practitioner_details(connection: AsyncConnection, rows: Sequence[Any]) -> list[PractitionerDetail]:
    """Return practitioners as their clinic sees them, with their photos."""
    found = await photos(connection, rows)
    items = [PractitionerDetail.model_validate(row) for row in rows]
    return [item.model_copy(update={"photo": found.get(item.id)}) for item in items]


async def photos(connection: AsyncConnection, rows: Iterable[Any]) -> dict[uuid.UUID, MediaPublic]:
    """Return the photo of each practitioner who has one."""
    shown = {row.photo_id: row.id for row in rows if row.photo_id}
    if not shown:
        return {}
    files = await attached(connection, PHOTO_OF, list(shown.values()))
    return {owner: media for owner, found in files.items() for media in found if shown.get(media.id) == owner}


async def resources(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[ResourcePublic]:
    """Return a page of a clinic's rooms and interpreters."""
    rows = await _rows(connection, "clinic_resources", _RESOURCES, page, {"organization_id": organization_id})
    return _page("clinic_resources", rows, page, [ResourcePublic.model_validate(row) for row in rows[: page.limit]])


async def visit_types(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, page: PageRequest
) -> Page[VisitTypePublic]:
    """Return a page of what can be booked at a clinic: all of it to those who work there, to others what they can."""
    works_there = organization_id in works_for(actor) or actor.holds("operator", organization_kind="operator")
    statement = _ALL_TYPES if works_there else _OFFERED_TYPES
    rows = await _rows(connection, "visit_types", statement, page, {"organization_id": organization_id})
    return _page("visit_types", rows, page, [visit_type_public(row) for row in rows[: page.limit]])


async def visit_type(connection: AsyncConnection, visit_type_id: uuid.UUID) -> sa.Row[Any]:
    """Return the row of a visit type; raises ``NotFound``."""
    row = (await connection.execute(_ONE_TYPE, {"visit_type_id": visit_type_id})).one_or_none()
    if row is None:
        raise NotFound
    return row


async def resources_for(connection: AsyncConnection, of_type: Any) -> list[ResourcePublic]:
    """Return the clinic's rooms and interpreters that visits of a type can need."""
    if not of_type.needs:
        return []
    rows = await connection.execute(_ITS_RESOURCES, {"organization_id": of_type.organization_id})
    return [ResourcePublic.model_validate(row) for row in rows if row.kind in of_type.needs]


async def practitioner_zone(connection: AsyncConnection, practitioner_id: uuid.UUID) -> str:
    """Return the zone on whose wall a practitioner's times are; raises ``NotFound``."""
    found: str | None = await connection.scalar(_ZONE, {"practitioner_id": practitioner_id})
    if found is None:
        raise NotFound
    return found


def visit_type_public(row: Any) -> VisitTypePublic:
    """Return a visit type as everybody sees it."""
    price = Money(amount=row.price_amount, currency=row.price_currency)
    names = VisitTypePublic.model_fields.keys() - {"price"}
    return VisitTypePublic(price=price, **{name: getattr(row, name) for name in names})


async def exceptions(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[ExceptionPublic]:
    """Return a page of a clinic's closed times and extra hours, those of its people and rooms among them."""
    rows = await _rows(connection, "availability_exceptions", _EXCEPTIONS, page, {"organization_id": organization_id})
    return _page("availability_exceptions", rows, page, [exception_public(row) for row in rows[: page.limit]])


def exception_public(row: Any) -> ExceptionPublic:
    """Return closed times or extra hours as the clinic sees them."""
    return ExceptionPublic(
        id=row.id,
        kind=row.kind,
        practitioner_id=row.practitioner_id,
        resource_id=row.resource_id,
        starts=row.starts_local,
        ends=row.ends_local,
        visit_type_ids=row.visit_type_ids,
        location_id=row.location_id,
    )


async def _rows(
    connection: AsyncConnection, kind: str, statement: sa.Select[Any], page: PageRequest, binds: dict[str, Any]
) -> list[sa.Row[Any]]:
    last = uuid.UUID(decode_cursor(kind, page.cursor)[0]) if page.cursor else None
    return list(await connection.execute(statement, binds | {"limit": page.limit + 1, "after_id": last}))


def _page(kind: str, rows: Sequence[Any], page: PageRequest, items: list[Any]) -> Page[Any]:
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("id",)))
