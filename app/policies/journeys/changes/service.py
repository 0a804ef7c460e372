"""What changed about a person since an app last asked: each package's part, in pages, under one cursor."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, changes
from app.core.access import Actor
from app.core.changes import Since
from app.core.problems import Forbidden
from app.identity import api as identity
from app.policies.journeys.changes.rules import Place, fingerprint
from app.policies.journeys.changes.schemas import Changes
from eldercare import api as eldercare
from notifications import api as notifications
from telemedicine import api as telemedicine

Rows = Callable[[Since], Awaitable[Sequence[Any]]]
Whole = Callable[[], Awaitable[Sequence[Any]]]

_SCOPES: Final = (
    "check_ins:read",
    "alarms:read",
    "medication:read",
    "visits:read",
    "records:read",
    "circle:read",
    "contacts:read",
    "grants:manage",
    "consultations:read",
    telemedicine.APPOINTMENTS_SCOPE,
)


async def _held(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID
) -> dict[str, identity.ResidentSubject]:
    """Return the rights the actor has on the resident for longer than an alarm; raises ``NotFound``."""
    held = await identity.held_scopes(connection, actor, resident_id, _SCOPES)
    if telemedicine.APPOINTMENTS_SCOPE in held:
        try:
            await telemedicine.require_appointments(connection, actor, resident_id)
        except Forbidden:  # an agency, whatever its agreement says
            del held[telemedicine.APPOINTMENTS_SCOPE]
    return held


@dataclass(frozen=True, slots=True)
class Parts:
    """What an actor may see of somebody: kinds that are told row by row, and kinds that are told as a whole."""

    rows: dict[str, Rows] = field(default_factory=dict)
    wholes: dict[str, Whole] = field(default_factory=dict)


async def of_oneself(
    connection: AsyncConnection, actor: Actor, since: str | None, limit: int, language: str
) -> Changes:
    """Return what changed about the actor; raises ``Malformed`` for a cursor of ours that is none."""
    parts = Parts()
    if actor.resident_id is not None:
        held = await _held(connection, actor, actor.resident_id)
        parts = _of_resident(connection, actor, actor.resident_id, held, language)
    parts.rows["inbox"] = lambda asked: notifications.inbox_changes(connection, actor.id, asked)
    parts.wholes["contact_points"] = lambda: _contact_points(connection, actor.id)
    return await _collect(connection, f"me:{actor.id}", parts, since, limit)


async def of_resident(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: str | None, limit: int, language: str
) -> Changes:
    """Return what changed about a resident, of the kinds the actor may see; leaves a trace.

    An app keeps what it is told here, so what only an alarm opened is not among it.

    Raises ``NotFound``, ``Forbidden`` if the actor may see none of it, ``Malformed`` for a cursor that is none.
    """
    held = await _held(connection, actor, resident_id)
    if not held:
        raise Forbidden
    subject = next(iter(held.values()))
    if subject.relation != "self":
        community_id = subject.community_id
        await audit.record(connection, actor, "changes:read", resident_id=resident_id, community_id=community_id)
    parts = _of_resident(connection, actor, resident_id, held, language)
    return await _collect(connection, f"{actor.id}:{resident_id}", parts, since, limit)


def _of_resident(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    held: Mapping[str, identity.ResidentSubject],
    language: str,
) -> Parts:
    about = (connection, actor, resident_id)
    parts = Parts()
    if "check_ins:read" in held:
        parts.rows["check_ins"] = lambda asked: eldercare.check_in_changes(*about, asked)
        parts.wholes["check_ins_ahead"] = lambda: eldercare.check_ins_ahead(*about)
        parts.wholes["check_in_plans"] = lambda: eldercare.check_in_plans(*about)
        parts.wholes["check_in_pauses"] = lambda: eldercare.check_in_pauses(*about)
    if "alarms:read" in held:
        parts.rows["alarms"] = lambda asked: eldercare.alarm_changes(*about, asked)
    if "medication:read" in held:
        parts.rows["doses"] = lambda asked: eldercare.dose_changes(*about, asked)
        parts.wholes["doses_ahead"] = lambda: eldercare.doses_ahead(*about)
    if "visits:read" in held:
        parts.rows["visits"] = lambda asked: eldercare.visit_changes(*about, asked)
        parts.wholes["visits_ahead"] = lambda: eldercare.visits_ahead(*about)
    _add_clinics(parts, about, held)
    if "circle:read" in held:
        parts.wholes["circle"] = lambda: eldercare.care_circle(*about)
    if "grants:manage" in held:
        parts.wholes["grants"] = lambda: identity.grants_in_force(*about, language)
    if subject := held.get("contacts:read"):
        parts.wholes["contact_points"] = lambda: _contact_points(connection, subject.account_id)
    return parts


def _add_clinics(
    parts: Parts, about: tuple[AsyncConnection, Actor, uuid.UUID], held: Mapping[str, identity.ResidentSubject]
) -> None:
    if telemedicine.APPOINTMENTS_SCOPE in held:
        parts.rows["appointments"] = lambda asked: telemedicine.appointment_changes(*about, asked)
        parts.wholes["waitlist_entries"] = lambda: telemedicine.waitlist_entries(*about)
        parts.wholes["queue_tickets"] = lambda: telemedicine.queue_tickets(*about)
    if "consultations:read" in held:
        parts.rows["consultations"] = lambda asked: telemedicine.consultation_changes(*about, asked)
    if (subject := held.get("records:read")) and subject.relation != "staff":
        # Clinicians look when they need to: what they carried away would outlive the treatment.
        parts.rows["health_records"] = lambda asked: telemedicine.health_record_changes(*about, asked)
        parts.rows["referrals"] = lambda asked: telemedicine.referral_changes(*about, asked)


async def _contact_points(connection: AsyncConnection, account_id: uuid.UUID) -> Sequence[identity.ContactPointPublic]:
    return (await identity.contact_points(connection, [account_id]))[account_id]


async def _collect(connection: AsyncConnection, subject: str, parts: Parts, since: str | None, limit: int) -> Changes:
    # Before any row is read: what commits from here on is found by the next request at the latest.
    now = await changes.horizon(connection)
    place = Place.read(since) if since else None
    start = place if place is not None and place.holds_in(subject, now) else Place(subject, now.system)
    found, place, has_more = await _rows(parts.rows, start.begin(list(parts.rows), now), limit)
    wholes = {kind: await read() for kind, read in parts.wholes.items()}
    fingerprints = {kind: fingerprint(items) for kind, items in wholes.items()}
    changed = {kind: items for kind, items in wholes.items() if start.fingerprints.get(kind) != fingerprints[kind]}
    told = {
        "next": str(replace(place, fingerprints=fingerprints)),
        "has_more": has_more,
        "is_fresh_start": start.until is None and start.seen_to == 0,
        "kinds": sorted({*parts.rows, *parts.wholes}),
    }
    return Changes.model_validate(told | found | changed)


async def _rows(parts: Mapping[str, Rows], place: Place, limit: int) -> tuple[dict[str, Sequence[Any]], Place, bool]:
    """Return a page over all kinds of rows, the place after it, and whether there are more."""
    found: dict[str, Sequence[Any]] = {}
    kinds = list(parts)
    room = limit
    first = kinds.index(place.kind) if place.kind and place.kind in parts else 0
    for kind in kinds[first:]:
        rows = await parts[kind](place.asks(kind, room + 1))
        found[kind] = rows[:room]
        if len(rows) > room:
            return found, place.stop(kind, rows[room - 1].id if room else None), True
        room -= len(rows)
    return found, place.end(kinds), False
