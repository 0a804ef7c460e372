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
