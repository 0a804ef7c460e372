"""The SQL that reads zones: what they say, whether they are watched now, and how the resident stands to them."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import (
    ResidentSubject,
    actor_binds,
    is_visible,
    language_for,
    people,
    residents_sharing,
    trace_read,
)
from eldercare.absences.rules import away_at
from eldercare.absences.views import times_away
from eldercare.alarms.models import Severity
from eldercare.safe_zones.models import NAME_CONTEXT, SHAPE_CONTEXT, STANDINGS, VERSIONS, ZONES
from eldercare.safe_zones.rules.documents import shape_of, window_of
from eldercare.safe_zones.rules.hours import stretch_at
from eldercare.safe_zones.rules.words import plain_words
from eldercare.safe_zones.schemas import SafeZonePublic, SafeZoneVersionPublic, Watch

_KIND: Final = "eldercare.safe_zones"
_VERSIONS_KIND: Final = "eldercare.safe_zone_versions"
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_zone = sa.bindparam("zone_id", type_=sa.Uuid)
_VERSION = [VERSIONS.c[name] for name in SafeZoneVersionPublic.model_fields]
_CHOSEN: sa.Select[Any] = (
    sa.select(
        *(ZONES.c[name] for name in ("id", "resident_id", "state", "version", "paused_until", "ended_at")),
        *_VERSION,
        sa.func.coalesce(STANDINGS.c.side, sa.literal_column("'unknown'")).label("side"),
        STANDINGS.c.since.label("side_since"),
    )
    .join(VERSIONS, VERSIONS.c.id == ZONES.c.version_id)
    .outerjoin(STANDINGS, STANDINGS.c.zone_id == ZONES.c.id)
    .where(ZONES.c.resident_id == _resident)
)
_ONE: sa.Select[Any] = _CHOSEN.where(ZONES.c.id == _zone)
_PAGE: sa.Select[Any] = (
    _CHOSEN.where(after((ZONES.c.id,), ("after_id",), descending=True))
    .order_by(ZONES.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_VERSIONS_OF: sa.Select[Any] = (
    sa.select(*_VERSION)
    .where(
        VERSIONS.c.zone_id == _zone,
        VERSIONS.c.resident_id == _resident,
        after((VERSIONS.c.number,), ("after_number",), descending=True),
    )
    .order_by(VERSIONS.c.number.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


_SEES: Final = sa.select(is_visible(_resident, "location:read"))


async def zones(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[SafeZonePublic]:
    """Return a page of a resident's zones, the latest first, those that have ended among them."""
    (last,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        "resident_id": subject.resident_id,
        "limit": page.limit + 1,
        "after_id": uuid.UUID(last) if last else None,
    }
    rows = (await connection.execute(_PAGE, binds)).all()
    items = await _shown(connection, actor, subject, rows[: page.limit])
    await trace_read(connection, actor, subject, "safe_zones:list")
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ("id",)))


async def zone(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, zone_id: uuid.UUID
) -> SafeZonePublic:
    """Return one zone; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": subject.resident_id, "zone_id": zone_id})).one_or_none()
    if row is None:
        raise NotFound
    await trace_read(connection, actor, subject, "safe_zone:read", zone_id)
    (shown,) = await _shown(connection, actor, subject, [row])
    return shown


async def versions(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, zone_id: uuid.UUID, page: PageRequest
) -> Page[SafeZoneVersionPublic]:
    """Return a page of what a zone said over time, the latest first; raises ``NotFound``."""
    (last,) = decode_cursor(_VERSIONS_KIND, page.cursor) if page.cursor else (None,)
    binds = {
        "resident_id": subject.resident_id,
        "zone_id": zone_id,
        "limit": page.limit + 1,
        "after_number": int(last) if last else None,
    }
    rows = (await connection.execute(_VERSIONS_OF, binds)).all()
    if not rows and last is None:
        raise NotFound
    await trace_read(connection, actor, subject, "safe_zone:read", zone_id)
    items = [SafeZoneVersionPublic.model_validate(_opened(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_VERSIONS_KIND, rows, page.limit, ("number",)))


async def _shown(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, rows: Sequence[sa.Row[Any]]
) -> list[SafeZonePublic]:
    now = clock.now()
    known = await people(connection, {row.created_by for row in rows} | {actor.id, subject.account_id})
    language = language_for(known[actor.id].language if actor.id in known else "en")
    shared = subject.resident_id in await residents_sharing(connection, [subject.resident_id], "location:read")
    # Who sets zones may not be let see where the resident is: then a zone would tell them.
    is_told = shared and await _may_see_location(connection, actor, subject)
    away = away_at((await times_away(connection, [subject.resident_id], now)).get(subject.resident_id, []), now)
    at_home = known[subject.account_id].time_zone
    shown = []
    for row in rows:
        values = _opened(row)
        setter = known.get(row.created_by)
        windows = [window_of(one) for one in row.hours]
        words = plain_words(
            language,
            row.kind,
            values["name"],
            shape_of(unseal(row.shape, SHAPE_CONTEXT)),
            windows,
            set_by=setter.name if setter else "—",
        )
        is_in_force = stretch_at(windows, row.time_zone or at_home, now) is not None
        watch = _watch(row, away.kind if away else None, now, shared=shared, is_in_force=is_in_force)
        if not is_told:
            values |= {"side": "unknown", "side_since": None}
        shown.append(SafeZonePublic.model_validate({**values, "words": words, "watch": watch}))
    return shown


async def _may_see_location(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> bool:
    if subject.relation == "self":
        return True
    binds = {"resident_id": subject.resident_id, **actor_binds(actor, "location:read")}
    return bool(await connection.scalar(_SEES, binds))


def _watch(row: sa.Row[Any], away: Any, now: datetime, *, shared: bool, is_in_force: bool) -> Watch:
    """Return why a zone is not watched now, the most lasting reason first, or that it is."""
    reasons: Iterable[tuple[bool, Watch]] = (
        (row.state == "ended", "ended"),
        (not shared, "not_shared"),
        (away is not None, away),
        (row.paused_until is not None and row.paused_until > now, "paused"),
        (not is_in_force, "outside_hours"),
    )
    return next((reason for is_so, reason in reasons if is_so), "watching")


def _opened(row: sa.Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - the public name SQLAlchemy gives it
    values["name"] = unseal(row.name, NAME_CONTEXT)
    values["shape"] = orjson.loads(unseal(row.shape, SHAPE_CONTEXT))
    values["severity"] = Severity(row.severity).label
    return values
