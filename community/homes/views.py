"""The SQL that reads connected homes."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.core.settings import settings
from app.core.statements import HotStatement
from app.identity.api import ResidentSubject, resident_names, trace_read
from community.homes import rules
from community.homes.access import HomeSubject
from community.homes.models import HOMES, HUB_CHECK, RESIDENTS
from community.homes.schemas import HomeConnection, HomeDetail, HomePublic, HomeResidentPublic

_h = HOMES.c
_ROW: Final = (
    _h.id,
    _h.community_id,
    _h.resident_id,
    _h.key,
    _h.addressing,
    _h.discovery_prefix,
    _h.time_zone,
    _h.lives_alone,
    _h.state,
    _h.registry_version,
)
_BY_KEY: Final = HotStatement(sa.select(*_ROW).where(_h.key == sa.any_(sa.bindparam("keys", type_=ARRAY(sa.Text)))))
_BY_ID: Final = HotStatement(sa.select(*_ROW).where(_h.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))))


@dataclass(frozen=True, slots=True)
class HomeRow:
    """What is to be known of a home to understand what its hub says."""

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    key: str
    addressing: str
    discovery_prefix: str
    time_zone: str
    lives_alone: bool
    state: str
    registry_version: int


async def homes_by_key(connection: AsyncConnection, keys: Iterable[str]) -> dict[str, HomeRow]:
    """Return the homes whose hubs speak under ``keys``, whatever their state; unknown keys are left out.

    Nothing may be taken of one that is not ``active``.
    """
    rows = await _BY_KEY.rows(connection, {"keys": list(keys)})
    return {row.key: HomeRow(*row) for row in rows}


async def homes_by_id(connection: AsyncConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, HomeRow]:
    """Return the homes with ``ids``, whatever their state; unknown ids are left out."""
    rows = await _BY_ID.rows(connection, {"ids": list(ids)})
    return {row.id: HomeRow(*row) for row in rows}


_OF_HOLDER: Final = (
    sa.select(HOMES)
    .where(
        sa.or_(
            _h.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
            sa.and_(
                sa.bindparam("with_shared", type_=sa.Boolean),
                sa.exists().where(
                    RESIDENTS.c.home_id == _h.id,
                    RESIDENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
                ),
            ),
        ),
        after((_h.id,), ("after_id",)),
    )
    .order_by(_h.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LINES: Final = sa.select(_h.password_line).where(_h.password_line.is_not(None)).order_by(_h.key)
_ONE: Final = sa.select(HOMES).where(_h.id == sa.bindparam("home_id", type_=sa.Uuid))
_LIVING: Final = (
    sa.select(RESIDENTS).where(RESIDENTS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid)).order_by(RESIDENTS.c.id)
)
_KIND: Final = "community.homes"
_AS_THEY_ARE: Final = tuple(HomePublic.model_fields.keys() & _h.keys())


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[HomePublic]:
    """Return a page of a resident's homes; to themselves also those they share with others."""
    await trace_read(connection, actor, subject, "homes:list")
    last = decode_cursor(_KIND, page.cursor)[0] if page.cursor else None
    binds = {
        "resident_id": subject.resident_id,
        "with_shared": subject.relation == "self",
        "after_id": uuid.UUID(last) if last else None,
        "limit": page.limit + 1,
    }
    rows = list(await connection.execute(_OF_HOLDER, binds))
    items = [HomePublic(**_fields(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["id"]))


async def detail(connection: AsyncConnection, actor: Actor, home: HomeSubject) -> HomeDetail:
    """Return a home and who lives there."""
    await trace_read(connection, actor, home.subject, "homes:read", home.id)
    return await shown(connection, home.id)


async def shown(connection: AsyncConnection, home_id: uuid.UUID) -> HomeDetail:
    """Return a home as it is, to whoever just changed it, which is on record."""
    row = (await connection.execute(_ONE, {"home_id": home_id})).one()
    living = list(await connection.execute(_LIVING, {"home_id": home_id}))
    names = await resident_names(connection, [one.resident_id for one in living])
    residents = [
        HomeResidentPublic(
            resident_id=one.resident_id,
            name=names.get(one.resident_id, ""),
            is_holder=one.resident_id == row.resident_id,
            asked_at=one.asked_at,
            agreed_at=one.agreed_at,
        )
        for one in living
    ]
    return HomeDetail(**_fields(row), residents=residents, refused=row.refused)


async def connection_of_home(connection: AsyncConnection, home: HomeSubject) -> HomeConnection:
    """Return what is to be typed into a home's hub; the secret is not among it."""
    row = (await connection.execute(_ONE, {"home_id": home.id})).one()
    host, port, is_encrypted = settings().mqtt.public_address()
    broker = rules.Broker(host, port, is_encrypted)
    if row.addressing == "bridged":
        snippets = {"mosquitto": rules.bridge_snippet(broker, row.key)}
    else:
        snippets = {
            "zigbee2mqtt": rules.zigbee2mqtt_snippet(broker, row.key, row.discovery_prefix),
            "esphome": rules.esphome_snippet(broker, row.key, row.discovery_prefix),
            "home_assistant": rules.home_assistant_snippet(row.key, row.discovery_prefix),
        }
    return HomeConnection(
        host=host,
        port=port,
        is_encrypted=is_encrypted,
        username=row.key,
        topic_prefix=f"homes/{row.key}/",
        addressing=row.addressing,
        discovery_prefix=row.discovery_prefix,
        has_credentials=row.secret_at is not None,
        provisioned_at=row.provisioned_at,
        snippets=snippets,
    )


async def password_lines(connection: AsyncConnection) -> list[str]:
    """Return the lines of the broker's password file, one for each home that may enter."""
    return [unseal(line, HUB_CHECK) for line in await connection.scalars(_LINES)]


def _fields(row: sa.Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _AS_THEY_ARE} | {"has_credentials": row.secret_at is not None}
