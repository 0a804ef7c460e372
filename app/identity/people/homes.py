"""Where residents live, for those who come to them: the reader's rights are the caller's to check."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.identity.models import Account, Household, Resident
from app.identity.people.seals import ADDRESS

_accounts = table_of(Account)
_residents = table_of(Resident)
_households = table_of(Household)

_HOMES = HotStatement(
    sa.select(
        _residents.c.id,
        _accounts.c.name,
        _accounts.c.language,
        _households.c.address,
        _households.c.building,
        _households.c.latitude,
        _households.c.longitude,
    )
    .join(_accounts, _accounts.c.id == _residents.c.account_id)
    .outerjoin(_households, _households.c.id == _residents.c.household_id)
    .where(_residents.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)
_around = _households.alias("around")


def _coordinate(name: str) -> sa.ColumnElement[float]:
    """Return where a resident lives in degrees; of whom it is not known, the middle of their community's homes."""
    of_all = (
        sa.select(sa.func.avg(_around.c[name]))
        .where(_around.c.community_id == _residents.c.community_id)
        .correlate(_residents)
        .scalar_subquery()
    )
    return sa.func.coalesce(_households.c[name], of_all).label(name)


_WHEREABOUTS = HotStatement(
    sa.select(_residents.c.id, _coordinate("latitude"), _coordinate("longitude"))
    .outerjoin(_households, _households.c.id == _residents.c.household_id)
    .where(_residents.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)


_HOUSEHOLDS = HotStatement(
    sa.select(_residents.c.id, _residents.c.household_id, _households.c.building)
    .join(_households, _households.c.id == _residents.c.household_id)
    .where(_residents.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)
_LIVING_IN = HotStatement(
    sa.select(_residents.c.household_id, _residents.c.id, _residents.c.account_id)
    .where(
        _residents.c.household_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
        _residents.c.state == sa.literal_column("'active'"),
    )
    .order_by(_residents.c.household_id, _residents.c.id)
)


@dataclass(frozen=True, slots=True)
class HouseholdOf:
    """The household somebody lives in, and the building it is in."""

    id: uuid.UUID
    building: str | None


@dataclass(frozen=True, slots=True)
class Home:
    """A resident's name and language, and where they live, in degrees (WGS 84) if it is on the map."""

    name: str
    language: str
    address: str | None
    building: str | None
    latitude: float | None
    longitude: float | None


async def homes(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Home]:
    """Return where each resident lives; unknown ids are left out."""
    return {
        row.id: Home(
            row.name,
            row.language,
            unseal(row.address, ADDRESS) if row.address else None,
            row.building,
            row.latitude,
            row.longitude,
        )
        for row in await _HOMES.rows(connection, {"ids": list(resident_ids)})
    }


async def households_of(connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, HouseholdOf]:
    """Return the household of each resident; those who have none are left out."""
    rows = await _HOUSEHOLDS.rows(connection, {"ids": list(resident_ids)})
    return {row.id: HouseholdOf(row.household_id, row.building) for row in rows}


async def living_in(
    connection: AsyncConnection, household_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, dict[uuid.UUID, uuid.UUID]]:
    """Return for each household who lives there now: residents, and the account of each."""
    found: dict[uuid.UUID, dict[uuid.UUID, uuid.UUID]] = {}
    for row in await _LIVING_IN.rows(connection, {"ids": list(household_ids)}):
        found.setdefault(row.household_id, {})[row.id] = row.account_id
    return found


async def whereabouts(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[float, float]]:
    """Return in degrees (WGS 84) where each resident lives, near enough for the sun; left out where nobody is on a map.

    Of whom it is not known it is the middle of their community's homes.
    """
    return {
        row.id: (row.latitude, row.longitude)
        for row in await _WHEREABOUTS.rows(connection, {"ids": list(resident_ids)})
        if row.latitude is not None and row.longitude is not None
    }
