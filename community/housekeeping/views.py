"""The SQL that lists services and who offers them, oldest first."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.wall_time import zone
from app.dispatch.api import Place
from app.identity.api import local_calendar, organizations_named
from app.media.api import attached
from community.housekeeping.models import OFFERS, PHOTOS, SERVICES
from community.housekeeping.rules import Area, DayKind, Option, Tariff, day_kind
from community.housekeeping.schemas import AreaGiven, HomeServicePublic, OptionGiven, ServiceOfferPublic
from community.scores.views import of_providers

_limit = sa.bindparam("limit", type_=sa.Integer)
_community = sa.bindparam("community_id", type_=sa.Uuid)
_CURSOR: Final = "community.housekeeping"


def _services(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(SERVICES)
        .where(SERVICES.c.community_id == _community, after((SERVICES.c.id,), ("after_id",)), *conditions)
        .order_by(SERVICES.c.id)
        .limit(_limit)
    )


def _offers(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(OFFERS)
        .where(OFFERS.c.community_id == _community, after((OFFERS.c.id,), ("after_id",)), *conditions)
        .order_by(OFFERS.c.id)
        .limit(_limit)
    )


_ALL: Final = _services()
_ACTIVE: Final = _services(SERVICES.c.is_active)
_OF_SERVICE: Final = _offers(OFFERS.c.service_id == sa.bindparam("service_id", type_=sa.Uuid), OFFERS.c.is_active)
_OF_PROVIDER: Final = _offers(OFFERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid))


async def services(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[HomeServicePublic]:
    """Return a page of the community's catalogue; to who keeps it, also what was put aside."""
    statement = _ALL if actor.holds("operator", organization_kind="operator") else _ACTIVE
    rows = await _rows(connection, statement, page, {"community_id": actor.community_id})
    items = await services_public(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def offers_of_service(
    connection: AsyncConnection, actor: Actor, service_id: uuid.UUID, page: PageRequest
) -> Page[ServiceOfferPublic]:
    """Return a page of who offers a service, for how much."""
    return await _offer_page(connection, actor, _OF_SERVICE, page, {"service_id": service_id})


async def offers_of_provider(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, page: PageRequest
) -> Page[ServiceOfferPublic]:
    """Return a page of what a provider offers, also what it put aside."""
    return await _offer_page(connection, actor, _OF_PROVIDER, page, {"organization_id": organization_id})


async def services_public(connection: AsyncConnection, rows: Sequence[Any]) -> list[HomeServicePublic]:
    """Return services with their photos, whose links are good for a few minutes."""
    files = await attached(connection, PHOTOS, [row.id for row in rows])
    names = HomeServicePublic.model_fields.keys() - {"photos"}
    found = []
    for row in rows:
        photos = {file.id: file for file in files[row.id]}
        shown = [photos[photo_id] for photo_id in row.photo_ids if photo_id in photos]
        found.append(HomeServicePublic(photos=shown, **{name: getattr(row, name) for name in names}))
    return found


async def offers_public(
    connection: AsyncConnection, community_id: uuid.UUID, rows: Sequence[Any]
) -> list[ServiceOfferPublic]:
    """Return offers with what their providers are called, and what those were given on average."""
    providers = {row.organization_id for row in rows}
    named = await organizations_named(connection, community_id, providers)
    scores = await of_providers(connection, providers)
    names = ServiceOfferPublic.model_fields.keys() - {"provider", "score"}
    return [
        ServiceOfferPublic(
            provider=named[row.organization_id].name,
            score=scores.get(row.organization_id),
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def tariff_of(row: Any) -> Tariff:
    """Return the tariff of an offer."""
    areas = [AreaGiven.model_validate(area) for area in row.areas]
    options = [OptionGiven.model_validate(option) for option in row.options]
    return Tariff(
        unit=row.unit,
        amount=row.amount,
        shortest=row.shortest,
        longest=row.longest,
        step=row.step,
        minimum=row.minimum_amount,
        weekend=row.weekend_percent,
        holiday=row.holiday_percent,
        areas=[Area(area.code, Place(area.latitude, area.longitude), area.radius, area.amount) for area in areas],
        options=[Option(option.code, option.amount, option.duration, option.most) for option in options],
    )


async def kind_of_day(connection: AsyncConnection, community_id: uuid.UUID, at: datetime, time_zone: str) -> DayKind:
    """Return what kind of day it is on the community's wall, whose zone the caller knows, at an instant."""
    day = at.astimezone(zone(time_zone)).date()
    special = await local_calendar(connection, community_id, day, day)
    return day_kind(day, {one.day: one.is_workday for one in special})


async def _offer_page(
    connection: AsyncConnection, actor: Actor, statement: sa.Select[Any], page: PageRequest, binds: dict[str, Any]
) -> Page[ServiceOfferPublic]:
    rows = await _rows(connection, statement, page, binds | {"community_id": actor.community_id})
    items = await offers_public(connection, actor.community_id, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def _rows(
    connection: AsyncConnection, statement: sa.Select[Any], page: PageRequest, binds: dict[str, Any]
) -> list[sa.Row[Any]]:
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    return list(await connection.execute(statement, binds | {"limit": page.limit + 1, "after_id": last}))
