"""The SQL that reads patient numbers: a resident's, a clinic's of some residents, and whose a number is."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import blind_index, unseal
from telemedicine.linking.models import LINKS, VALUE
from telemedicine.linking.schemas import PatientLinkPublic

_KIND: Final = "telemedicine.patient_links"
_OF: Final = sa.bindparam("organization_ids", type_=ARRAY(sa.Uuid))
_LIST: Final = (
    sa.select(LINKS)
    .where(
        LINKS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        sa.or_(_OF.is_(None), LINKS.c.organization_id == sa.any_(_OF)),
        after((LINKS.c.id,), ("after_id",), descending=True),
    )
    .order_by(LINKS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OF_CLINICS: Final = (
    sa.select(LINKS)
    .where(
        LINKS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        LINKS.c.organization_id == sa.any_(_OF),
    )
    .order_by(LINKS.c.id.desc())
)
_NUMBERED: Final = sa.select(LINKS.c.resident_id, LINKS.c.system, LINKS.c.value_index).where(
    LINKS.c.organization_id == sa.any_(_OF),
    LINKS.c.value_index == sa.any_(sa.bindparam("indexes", type_=ARRAY(sa.LargeBinary))),
    LINKS.c.ended_at.is_(None),
)
_ONE: Final = sa.select(LINKS).where(LINKS.c.id == sa.bindparam("link_id", type_=sa.Uuid))


def value_index(organization_id: uuid.UUID, value: str) -> bytes:
    """Return what a clinic's number is looked up by."""
    return blind_index("patient_number", f"{organization_id}\n{value}")


async def of_resident(
    connection: AsyncConnection, resident_id: uuid.UUID, organization_ids: Sequence[uuid.UUID] | None, page: PageRequest
) -> Page[PatientLinkPublic]:
    """Return a page of a resident's links, the newest first: all there were, or those of some clinics."""
    (last,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        "resident_id": resident_id,
        "organization_ids": list(organization_ids) if organization_ids is not None else None,
        "after_id": uuid.UUID(str(last)) if last else None,
        "limit": page.limit + 1,
    }
    rows = list(await connection.execute(_LIST, binds))
    return Page(items=[public(row) for row in rows[: page.limit]], next=next_cursor(_KIND, rows, page.limit, ["id"]))


async def link(connection: AsyncConnection, link_id: uuid.UUID) -> PatientLinkPublic:
    """Return a link; it is there."""
    return public((await connection.execute(_ONE, {"link_id": link_id})).one())


async def of_clinics(
    connection: AsyncConnection, organization_ids: Sequence[uuid.UUID], resident_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[PatientLinkPublic]]:
    """Return the numbers by which clinics know residents, or knew, by resident, the newest first."""
    found: defaultdict[uuid.UUID, list[PatientLinkPublic]] = defaultdict(list)
    if organization_ids and resident_ids:
        binds = {"organization_ids": list(organization_ids), "resident_ids": list(resident_ids)}
        for row in await connection.execute(_OF_CLINICS, binds):
            found[row.resident_id].append(public(row))
    return found


async def numbered(
    connection: AsyncConnection,
    organization_ids: Sequence[uuid.UUID],
    wanted: Collection[tuple[str | None, str]],
) -> set[uuid.UUID]:
    """Return who is known to clinics by one of some numbers, each a system (``None``: any) and a value."""
    by_index = {(value_index(one, value), system) for one in organization_ids for system, value in wanted}
    if not by_index:
        return set()
    binds = {"organization_ids": list(organization_ids), "indexes": [index for index, _ in by_index]}
    rows = await connection.execute(_NUMBERED, binds)
    return {
        row.resident_id
        for row in rows
        if (bytes(row.value_index), row.system) in by_index or (bytes(row.value_index), None) in by_index
    }


def public(row: Any) -> PatientLinkPublic:
    """Return a link as it is shown."""
    given = PatientLinkPublic.model_fields.keys() - {"value", "linked_at"}
    return PatientLinkPublic(
        **{name: getattr(row, name) for name in given}, value=unseal(row.value, VALUE), linked_at=row.created_at
    )
