"""One chunk of an import, written in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.events import emit, emit_many
from app.core.sealing import seal
from app.core.tables import table_of
from app.identity.events import ContactPointsChanged, GrantAdded, ProfileChanged, ResidentMovedZone
from app.identity.importing import repository
from app.identity.importing.rules import ContactCells, HouseholdCells, ResidentRow
from app.identity.models import Grant
from app.identity.people.rules import CAPABILITIES
from app.identity.people.seals import (
    ADDRESS,
    CONTACT_VALUE,
    EMERGENCY_NOTES,
    NATIONAL_ID,
    contact_index,
    national_id_index,
)

_grants = table_of(Grant)
_GRANTS_ADDED = sa.select(
    _grants.c.id.label("aggregate_id"),
    _grants.c.community_id,
    sa.func.jsonb_build_object(
        "resident_id",
        _grants.c.resident_id,
        "grantee_account_id",
        _grants.c.grantee_account_id,
        "kind",
        _grants.c.kind,
    ).label("payload"),
).where(_grants.c.id == sa.any_(sa.bindparam("grant_ids", type_=ARRAY(sa.Uuid))))


@dataclass(frozen=True, slots=True)
class Place:
    """The community that is imported into, and what its people have unless a row says otherwise."""

    community_id: UUID
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class _Person:
    """A row's resident in the database."""

    account_id: UUID
    resident_id: UUID
    row: ResidentRow


async def write(
    session: AsyncSession, actor: Actor, place: Place, rows: Sequence[ResidentRow], fingerprints: Mapping[str, bytes]
) -> int:
    """Create or change the residents of ``rows`` and return how many were created."""
    await repository.take_turns(session, place.community_id)
    connection = await session.connection()
    known = await repository.known_residents(connection, place.community_id, [row.reference for row in rows])
    homes = {row.household.reference: _household(row.household) for row in rows if row.household}
    home_ids = await repository.save_households(session, place.community_id, homes)

    created: list[_Person] = []
    changed: list[_Person] = []
    for row in rows:
        if (found := known.get(row.reference)) is None:
            created.append(_Person(clock.new_id(), clock.new_id(), row))
        else:
            changed.append(_Person(found.account_id, found.id, row))
    values = {row.reference: _resident(row, home_ids) | {"imported_row": fingerprints[row.reference]} for row in rows}
    await repository.insert_people(
        session,
        [_account(place, person.account_id, person.row) for person in created],
        [
            _created(values[person.row.reference])
            | {
                "id": person.resident_id,
                "community_id": place.community_id,
                "account_id": person.account_id,
                "reference": person.row.reference,
                "state": "active",
            }
            for person in created
        ],
    )
    await repository.change_people(
        session,
        {
            person.account_id: {
                "name": person.row.name,
                "language": person.row.language,
                "time_zone": person.row.time_zone,
            }
            for person in changed
        },
        {person.resident_id: values[person.row.reference] for person in changed},
    )
    everyone = created + changed
    reached = await repository.add_points(
        session,
        [
            _point(person.account_id, kind, value, position)
            for person in everyone
            for position, (kind, value) in enumerate(person.row.points)
        ],
    )
    await _consents(session, actor, place, everyone)
    await repository.record_imported(session, actor, [person.resident_id for person in everyone])
    await _tell(session, actor, place, changed, known, reached)
    return len(created)


async def _consents(session: AsyncSession, actor: Actor, place: Place, people: Sequence[_Person]) -> None:
    """Create the people beside the residents, and record what they were granted unless it was decided before."""
    contacts = [(person, contact) for person in people for contact in person.row.contacts]
    if not contacts:
        return
    reached = await repository.people_reached(
        session, place.community_id, {contact_index(value) for _, contact in contacts for _, value in _values(contact)}
    )
    accounts: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for person, contact in contacts:
        keys = [(contact_index(value), contact.name.lower()) for _, value in _values(contact)]
        account_id = next((reached[key] for key in keys if key in reached), None)
        if account_id is None:
            account_id = clock.new_id()
            accounts.append(_account_row(place, account_id, contact.name, person.row.language, person.row.time_zone))
        reached |= dict.fromkeys(keys, account_id)
        points += [_point(account_id, kind, value, n) for n, (kind, value) in enumerate(_values(contact))]
    await repository.insert_people(session, accounts, [])
    await repository.add_points(session, points)

    decided = await repository.pairs_granted(session, [person.resident_id for person in people])
    grants = []
    for person, contact in contacts:
        grantee = reached[(contact_index(_values(contact)[0][1]), contact.name.lower())]
        pair = (person.resident_id, grantee)
        if contact.scopes and pair not in decided and grantee != person.account_id:
            decided.add(pair)
            grants.append(_grant(place, actor, pair, contact.scopes))
    await repository.insert_grants(session, grants)
    if grants:
        await emit_many(session, GrantAdded, _GRANTS_ADDED, {"grant_ids": [grant["id"] for grant in grants]})


async def _tell(
    session: AsyncSession,
    actor: Actor,
    place: Place,
    changed: Sequence[_Person],
    known: Mapping[str, sa.Row[Any]],
    reached: Collection[UUID],
) -> None:
    """Tell what changed about residents that were known before; of new ones nobody has anything to change yet.

    ``reached`` are the accounts that got another contact point.
    """
    for person in changed:
        account_id, resident_id, community_id = person.account_id, person.resident_id, place.community_id
        await emit(session, ProfileChanged(aggregate_id=account_id, community_id=community_id, resident_id=resident_id))
        if account_id in reached:
            fact = ContactPointsChanged(
                aggregate_id=account_id, community_id=community_id, changed_by=actor.id, change="added"
            )
            await emit(session, fact)
        if person.row.time_zone not in (None, known[person.row.reference].time_zone):
            await emit(
                session, ResidentMovedZone(aggregate_id=account_id, community_id=community_id, resident_id=resident_id)
            )


def _household(cells: HouseholdCells) -> dict[str, Any]:
    return {
        "reference": cells.reference,
        "address": seal(cells.address, ADDRESS),
        "building": cells.building,
        "latitude": cells.latitude,
        "longitude": cells.longitude,
    }


def _resident(row: ResidentRow, home_ids: Mapping[str, UUID]) -> dict[str, Any]:
    return {
        "household_id": home_ids[row.household.reference] if row.household else None,
        "birth_date": row.birth_date,
        "national_id": seal(row.national_id, NATIONAL_ID) if row.national_id else None,
        "national_id_index": national_id_index(row.national_id) if row.national_id else None,
        "accessibility_needs": row.accessibility_needs,
        "emergency_notes": seal(row.emergency_notes, EMERGENCY_NOTES) if row.emergency_notes else None,
    }


def _created(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "accessibility_needs": values["accessibility_needs"] or [], "tags": []}


def _account(place: Place, account_id: UUID, row: ResidentRow) -> dict[str, Any]:
    return _account_row(place, account_id, row.name, row.language, row.time_zone)


def _account_row(
    place: Place, account_id: UUID, name: str, language: str | None, time_zone: str | None
) -> dict[str, Any]:
    return {
        "id": account_id,
        "community_id": place.community_id,
        "name": name,
        "language": language or place.language,
        "time_zone": time_zone or place.time_zone,
        "state": "active",
    }


def _values(contact: ContactCells) -> list[tuple[str, str]]:
    given = (("mobile", contact.phone), ("email", contact.email))
    return [(kind, value) for kind, value in given if value is not None]


def _point(account_id: UUID, kind: str, value: str, position: int) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "kind": kind,
        "value": seal(value, CONTACT_VALUE),
        "value_index": contact_index(value),
        "capabilities": sorted(CAPABILITIES[kind]),
        "is_vouched": True,
        "position": position,
    }


def _grant(place: Place, actor: Actor, pair: tuple[UUID, UUID], scopes: Sequence[str]) -> dict[str, Any]:
    resident_id, grantee_account_id = pair
    return {
        "id": clock.new_id(),
        "community_id": place.community_id,
        "resident_id": resident_id,
        "grantee_account_id": grantee_account_id,
        "scopes": list(scopes),
        "kind": "consent",
        "granted_by": actor.id,
        "starts_at": clock.now(),
    }
