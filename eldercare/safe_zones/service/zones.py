"""Zones: set, changed as a new version, paused, ended; and what a resident's leaving does to them."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import seal
from app.identity.api import ResidenceEnded, ResidentSubject, grantees, residents_sharing
from eldercare.alarms.service import Severity
from eldercare.safe_zones import repository
from eldercare.safe_zones.models import NAME_CONTEXT, SHAPE_CONTEXT, VERSIONS, ZONES, SafeZone, SafeZoneVersion
from eldercare.safe_zones.notices import ZONE_OFF, ZONE_SET
from eldercare.safe_zones.problems import LocationNotShared, TooManyZones, ZoneEnded
from eldercare.safe_zones.schemas import LONGEST_PAUSE, SafeZoneWrite, ZonePause
from eldercare.safe_zones.service.watching import look_now
from notifications.api import send

MOST_ZONES: Final = 20
SHARED_BY: Final = "location:read"
"""The consent without which nothing is watched and nothing is kept."""
_MANAGE: Final = "zones:manage"

_residents = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))
_moment = sa.bindparam("moment", type_=sa.DateTime(timezone=True))
_COUNT = sa.select(sa.func.count()).where(
    ZONES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), ZONES.c.state == "active"
)
_LAST_NUMBER = sa.select(sa.func.max(VERSIONS.c.number)).where(
    VERSIONS.c.zone_id == sa.bindparam("zone_id", type_=sa.Uuid)
)
_CLOSE = (
    sa.update(ZONES)
    .where(ZONES.c.resident_id == sa.any_(_residents), ZONES.c.state == "active")
    .values(state="ended", ended_at=_moment, end_reason="closed", version=ZONES.c.version + 1)
)
_REOPEN = (
    sa.update(ZONES)
    .where(ZONES.c.resident_id == sa.any_(_residents), ZONES.c.end_reason == "closed")
    .values(state="active", ended_at=None, end_reason=None, version=ZONES.c.version + 1)
)


async def create_zone(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: SafeZoneWrite) -> SafeZone:
    """Set a zone, in force from now on; the resident is told.

    Raises ``ResidenceEnded``, ``LocationNotShared`` where a zone would only look as if somebody watched, and
    ``TooManyZones``.
    """
    if subject.state != "active":
        raise ResidenceEnded
    await repository.hold_tracking(session, subject)
    if not await residents_sharing(await session.connection(), [subject.resident_id], SHARED_BY):
        raise LocationNotShared
    if (await session.scalar(_COUNT, {"resident_id": subject.resident_id}) or 0) >= MOST_ZONES:
        raise TooManyZones
    zone = SafeZone(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        version_id=clock.new_id(),
    )
    session.add(zone)
    await session.flush()
    await _set_version(session, actor, zone, data, number=1)
    await _follow(session, actor, zone, "safe_zone:create")
    await _tell_of_setting(session, actor, zone, data)
    return zone


async def change_zone(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    zone_id: uuid.UUID,
    data: SafeZoneWrite,
    if_match: int | None,
) -> SafeZone:
    """Give a zone a new version from now on; the resident is told, and how they stand to it is judged anew.

    Raises ``NotFound``, ``StaleVersion``, ``ZoneEnded``.
    """
    zone = await _lock(session, subject, zone_id, if_match)
    last = await session.scalar(_LAST_NUMBER, {"zone_id": zone.id})
    zone.version_id = clock.new_id()
    await _set_version(session, actor, zone, data, number=(last or 0) + 1)
    await repository.judge_anew(session, zone.id)
    await _follow(session, actor, zone, "safe_zone:change")
    await _tell_of_setting(session, actor, zone, data)
    return zone


async def end_zone(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, zone_id: uuid.UUID, if_match: int | None
) -> None:
    """End a zone: nobody is called for it from now on; who set it and the resident are told.

    Raises ``NotFound``, ``StaleVersion``, ``ZoneEnded``.
    """
    zone = await _lock(session, subject, zone_id, if_match)
    zone.state, zone.ended_at, zone.ended_by, zone.end_reason = "ended", clock.now(), actor.id, "ended"
    await session.flush()
    await repository.judge_anew(session, zone.id)
    await _follow(session, actor, zone, "safe_zone:end")
    await _tell_of_stop(session, actor, zone, "ended")


async def pause_zone(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, zone_id: uuid.UUID, data: ZonePause
) -> SafeZone:
    """Call nobody for a zone until a given moment, at most 30 days ahead; who set it and the resident are told.

    Raises ``NotFound``, ``ZoneEnded``, ``Malformed``.
    """
    now = clock.now()
    if not timedelta() < data.until - now <= LONGEST_PAUSE:
        detail = f"lies ahead, by at most {LONGEST_PAUSE.days} days"
        raise Malformed(errors=[FieldError("/body/until", detail, "out_of_range")])
    zone = await _lock(session, subject, zone_id, None)
    zone.paused_at, zone.paused_until, zone.paused_by = now, data.until, actor.id
    await session.flush()
    await repository.judge_anew(session, zone.id)
    await _follow(session, actor, zone, "safe_zone:pause")
    await _tell_of_stop(session, actor, zone, "paused")
    return zone


async def resume_zone(session: AsyncSession, actor: Actor, subject: ResidentSubject, zone_id: uuid.UUID) -> SafeZone:
    """End the pause of a zone now; without one, nothing changes. Raises ``NotFound``, ``ZoneEnded``."""
    zone = await _lock(session, subject, zone_id, None)
    now = clock.now()
    if zone.paused_until is not None and zone.paused_until > now:
        zone.paused_until = now
        await session.flush()
        await _follow(session, actor, zone, "safe_zone:resume")
    return zone


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """End all zones of residents who are no longer here, and forget where they were."""
    if not resident_ids:
        return
    await repository.hold_trackings_of(session, resident_ids)
    await session.execute(_CLOSE, {"resident_ids": list(resident_ids), "moment": clock.now()})
    await repository.forget(session, resident_ids, repository.LAST_ID, clock.now())
    await look_now(session, resident_ids)


async def reopen_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let the zones go on that were ended only because their residents were closed."""
    if resident_ids:
        await repository.hold_trackings_of(session, resident_ids)
        await session.execute(_REOPEN, {"resident_ids": list(resident_ids)})
        await look_now(session, resident_ids)


async def _lock(session: AsyncSession, subject: ResidentSubject, zone_id: uuid.UUID, if_match: int | None) -> SafeZone:
    # First the tracking, as those do who bring positions: what is judged while a zone changes would be judged by half.
    await repository.hold_tracking(session, subject)
    zone = await session.get(SafeZone, zone_id, with_for_update=True)
    if zone is None or zone.resident_id != subject.resident_id:
        raise NotFound
    check_version(zone, if_match)
    if zone.state != "active":
        raise ZoneEnded
    return zone


async def _set_version(
    session: AsyncSession, actor: Actor, zone: SafeZone, data: SafeZoneWrite, *, number: int
) -> None:
    session.add(
        SafeZoneVersion(
            id=zone.version_id,
            zone_id=zone.id,
            resident_id=zone.resident_id,
            number=number,
            valid_from=clock.now(),
            created_by=actor.id,
            kind=data.kind,
            name=seal(data.name, NAME_CONTEXT),
            shape=seal(data.shape.model_dump_json(), SHAPE_CONTEXT),
            hours=[window.model_dump() for window in data.hours],
            time_zone=data.time_zone,
            needed=data.needed,
            looked_at=data.looked_at,
            silence_after=data.silence_after,
            severity=Severity[data.severity.upper()],
        )
    )
    await session.flush()


async def _follow(session: AsyncSession, actor: Actor, zone: SafeZone, action: str) -> None:
    await look_now(session, [zone.resident_id])
    await audit.record(
        session,
        actor,
        action,
        resident_id=zone.resident_id,
        object_id=zone.id,
        community_id=zone.community_id,
    )


async def _tell_of_setting(session: AsyncSession, actor: Actor, zone: SafeZone, data: SafeZoneWrite) -> None:
    if actor.id != zone.account_id:
        await send(
            session,
            ZONE_SET,
            [zone.account_id],
            community_id=zone.community_id,
            dedupe_key=f"safe_zone-{zone.version_id}",
            variables={"by": actor.id, "name": data.name},
            about=zone.resident_id,
            data={"zone_id": str(zone.id)},
        )


async def _tell_of_stop(session: AsyncSession, actor: Actor, zone: SafeZone, how: str) -> None:
    version = await session.get_one(SafeZoneVersion, zone.version_id)
    told = {zone.account_id} | await _may_know(session, zone.resident_id, {version.created_by})
    await send(
        session,
        ZONE_OFF,
        sorted(told - {actor.id}),
        community_id=zone.community_id,
        dedupe_key=f"safe_zone-{zone.id}-{how}-{zone.version}",
        variables={"resident": zone.resident_id, "by": actor.id, "how": how},
        about=zone.resident_id,
        data={"zone_id": str(zone.id)},
    )


async def _may_know(session: AsyncSession, resident_id: uuid.UUID, account_ids: set[uuid.UUID]) -> set[uuid.UUID]:
    """Return those the resident still lets see the location or set zones: a grant may have ended since."""
    connection = await session.connection()
    allowed = await grantees(connection, resident_id, SHARED_BY) | await grantees(connection, resident_id, _MANAGE)
    return account_ids & allowed
