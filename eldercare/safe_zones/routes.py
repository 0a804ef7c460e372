"""The HTTP side of zones and positions."""

import uuid
from typing import Annotated

from fastapi import Depends, Query, Response

from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Person, ResidenceEnded, ResidentSubject, resident_guard
from eldercare.safe_zones.problems import LocationNotShared, TooManyZones, ZoneEnded
from eldercare.safe_zones.schemas import (
    LocationPublic,
    PositionPublic,
    PositionsGive,
    PositionsTaken,
    SafeZonePublic,
    SafeZoneVersionPublic,
    SafeZoneWrite,
    ZonePause,
)
from eldercare.safe_zones.service import positions
from eldercare.safe_zones.service import zones as zoning
from eldercare.safe_zones.views import positions as position_views
from eldercare.safe_zones.views import zones as views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("location:read"))]
Sender = Annotated[ResidentSubject, Depends(resident_guard("location:write"))]
Manager = Annotated[ResidentSubject, Depends(resident_guard("zones:manage"))]
_GUARDED = (Unauthenticated, Forbidden, NotFound)


@router.resident_route(
    "POST",
    "/positions",
    status_code=201,
    responses=problem_responses(*_GUARDED, LocationNotShared, ResidenceEnded),
)
async def record_positions(
    session: Session, actor: CurrentActor, subject: Sender, data: PositionsGive
) -> PositionsTaken:
    """Send up to 500 fixes of a phone or tracker. The same fix again (device, instant) is stored once."""
    return await positions.take(session, actor, subject, data)


@router.resident_route("GET", "/positions", responses=problem_responses(*_GUARDED))
async def list_positions(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    page: PageQuery,
    *,
    first: Annotated[GivenInstant | None, Query(alias="from", description="observed at or after")] = None,
    end: Annotated[GivenInstant | None, Query(alias="to", description="observed before")] = None,
) -> Page[PositionPublic]:
    """List where the resident was, the latest first: the days that are kept, while somebody may see it."""
    return await position_views.positions(connection, actor, subject, page, first, end)


@router.resident_route("GET", "/location", responses=problem_responses(*_GUARDED))
async def get_location(connection: Reading, actor: CurrentActor, subject: Reader) -> LocationPublic:
    """Show where the resident was last seen, and whether it is known where they are."""
    return await position_views.location(connection, actor, subject)


@router.resident_route("GET", "/safe-zones", responses=problem_responses(*_GUARDED))
async def list_safe_zones(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[SafeZonePublic]:
    """List a resident's zones, the latest first, each with what it means in plain words."""
    return await views.zones(connection, actor, subject, page)


@router.resident_route(
    "POST",
    "/safe-zones",
    status_code=201,
    responses=problem_responses(*_GUARDED, LocationNotShared, TooManyZones, ResidenceEnded),
)
async def create_safe_zone(
    session: Session, actor: Person, subject: Manager, data: SafeZoneWrite, response: Response
) -> SafeZonePublic:
    """Set a place to stay inside or to keep out of. The resident is told."""
    zone = await zoning.create_zone(session, actor, subject, data)
    set_etag(response, zone.version)
    return await views.zone(await session.connection(), actor, subject, zone.id)


@router.resident_route("GET", "/safe-zones/{zone_id}", responses=problem_responses(*_GUARDED))
async def get_safe_zone(
    connection: Reading, actor: CurrentActor, subject: Reader, zone_id: uuid.UUID, response: Response
) -> SafeZonePublic:
    """Show a zone with the version in force."""
    zone = await views.zone(connection, actor, subject, zone_id)
    set_etag(response, zone.version)
    return zone


@router.resident_route("GET", "/safe-zones/{zone_id}/versions", responses=problem_responses(*_GUARDED))
async def list_safe_zone_versions(
    connection: Reading, actor: CurrentActor, subject: Reader, zone_id: uuid.UUID, page: PageQuery
) -> Page[SafeZoneVersionPublic]:
    """List what a zone said over time, the latest first."""
    return await views.versions(connection, actor, subject, zone_id, page)


@router.resident_route("PUT", "/safe-zones/{zone_id}", responses=problem_responses(*_GUARDED, StaleVersion, ZoneEnded))
async def change_safe_zone(
    session: Session,
    actor: Person,
    subject: Manager,
    zone_id: uuid.UUID,
    data: SafeZoneWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> SafeZonePublic:
    """Give a zone a new version from now on. The resident is told."""
    zone = await zoning.change_zone(session, actor, subject, zone_id, data, if_match)
    set_etag(response, zone.version)
    return await views.zone(await session.connection(), actor, subject, zone_id)


@router.resident_route(
    "DELETE",
    "/safe-zones/{zone_id}",
    status_code=204,
    responses=problem_responses(*_GUARDED, StaleVersion, ZoneEnded),
)
async def end_safe_zone(
    session: Session, actor: Person, subject: Manager, zone_id: uuid.UUID, if_match: IfMatch
) -> None:
    """End a zone: nobody is called for it from now on."""
    await zoning.end_zone(session, actor, subject, zone_id, if_match)


@router.resident_route("POST", "/safe-zones/{zone_id}/pause", responses=problem_responses(*_GUARDED, ZoneEnded))
async def pause_safe_zone(
    session: Session, actor: Person, subject: Manager, zone_id: uuid.UUID, data: ZonePause, response: Response
) -> SafeZonePublic:
    """Call nobody for a zone until a given moment, at most 30 days ahead."""
    zone = await zoning.pause_zone(session, actor, subject, zone_id, data)
    set_etag(response, zone.version)
    return await views.zone(await session.connection(), actor, subject, zone_id)


@router.resident_route("DELETE", "/safe-zones/{zone_id}/pause", responses=problem_responses(*_GUARDED, ZoneEnded))
async def resume_safe_zone(
    session: Session, actor: Person, subject: Manager, zone_id: uuid.UUID, response: Response
) -> SafeZonePublic:
    """End the pause of a zone now."""
    zone = await zoning.resume_zone(session, actor, subject, zone_id)
    set_etag(response, zone.version)
    return await views.zone(await session.connection(), actor, subject, zone_id)
