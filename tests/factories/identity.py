"""Rows of identity, really committed: communities, people, organizations and what they may see."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.core.tables import Table
from app.identity.models import (
    Account,
    Community,
    ContactPoint,
    Grant,
    Holiday,
    Household,
    Membership,
    Organization,
    Resident,
    ServiceAgreement,
)
from app.identity.people.repository import new_contact_point
from app.identity.people.seals import ADDRESS, EMERGENCY_NOTES
from app.identity.scopes import ALL, ROLE_SCOPES

Row = TypeVar("Row", bound=Table)

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""When agreements and grants of the factories begin, unless told otherwise."""


async def community(
    *, name: str = "Lakeside", time_zone: str = "Asia/Shanghai", country: str = "CN", **values: object
) -> Community:
    """Insert a community: Chinese numbers, Shanghai time, both languages."""
    defaults: dict[str, object] = {
        "currency": "CNY",
        "languages": ["en", "zh-CN"],
        "emergency_numbers": {"medical": "120", "fire": "119", "police": "110"},
        "desk_phone": "+862155551000",
    }
    row = Community.model_validate({"name": name, "time_zone": time_zone, "country": country, **defaults, **values})
    return await _insert(row)


async def community_of(person: Account) -> Community:
    """Return the community a person belongs to."""
    async with unit_of_work() as session:
        return await session.get_one(Community, person.community_id)


async def holiday(of: Community, day: date, *, name: str = "Festival", is_workday: bool = False) -> Holiday:
    """Insert a day of the community's calendar."""
    return await _insert(Holiday(community_id=of.id, day=day, name=name, is_workday=is_workday))


async def account(
    of: Community,
    *,
    name: str = "Ada",
    phone: str | None = None,
    email: str | None = None,
    language: str = "en",
    time_zone: str | None = None,
    verified: bool = True,
) -> Account:
    """Insert a person with the contact points that are named (E.164 numbers), verified unless told otherwise."""
    row = Account(community_id=of.id, name=name, language=language, time_zone=time_zone or of.time_zone)
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        session.add_all(_points(row.id, phone, email, verified=verified))
    return row


def _points(account_id: uuid.UUID, phone: str | None, email: str | None, *, verified: bool) -> Iterable[ContactPoint]:
    verified_at = clock.now() if verified else None
    if phone is not None:
        yield new_contact_point(account_id, "mobile", phone, ["sms", "voice", "app"], verified_at=verified_at)
    if email is not None:
        yield new_contact_point(account_id, "email", email, ["email"], position=1, verified_at=verified_at)


async def contact_point(
    of: Account, kind: str, value: str, capabilities: Sequence[str], **values: object
) -> ContactPoint:
    """Insert one more way to reach a person; ``value`` is an E.164 number or a mail address."""
    point = new_contact_point(of.id, kind, value, capabilities, verified_at=clock.now())
    for name, given in values.items():
        setattr(point, name, given)
    return await _insert(point)


async def household(
    of: Community,
    *,
    address: str = "1 Lake Road",
    reference: str | None = None,
    building: str | None = None,
    place: tuple[float, float] | None = None,
) -> Household:
    """Insert a home; ``place`` is its latitude and longitude."""
    latitude, longitude = place or (None, None)
    return await _insert(
        Household(
            community_id=of.id,
            address=seal(address, ADDRESS),
            reference=reference,
            building=building,
            latitude=latitude,
            longitude=longitude,
        )
    )


async def resident(
    of: Community,
    *,
    name: str = "Grace",
    person: Account | None = None,
    home: Household | None = None,
    phone: str | None = None,
    email: str | None = None,
    language: str = "en",
    time_zone: str | None = None,
    birth_date: date | None = date(1940, 5, 1),
    emergency_notes: str | None = None,
    reference: str | None = None,
    accessibility_needs: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Resident:
    """Insert a resident, with an account and a household of their own unless they are given."""
    person = person or await account(of, name=name, phone=phone, email=email, language=language, time_zone=time_zone)
    home = home or await household(of)
    return await _insert(
        Resident(
            community_id=of.id,
            account_id=person.id,
            household_id=home.id,
            reference=reference,
            birth_date=birth_date,
            emergency_notes=seal(emergency_notes, EMERGENCY_NOTES) if emergency_notes else None,
            accessibility_needs=list(accessibility_needs),
            tags=list(tags),
        )
    )


async def organization(of: Community, kind: str = "operator", *, name: str | None = None) -> Organization:
    """Insert an organization that works in the community."""
    return await _insert(Organization(community_id=of.id, kind=kind, name=name or kind.replace("_", " ").title()))


async def membership(of: Organization, person: Account, role: str) -> Membership:
    """Insert a role of a person in an organization."""
    return await _insert(Membership(account_id=person.id, organization_id=of.id, role=role))


async def staff(
    of: Organization, role: str = "operator", *, name: str = "Edith", phone: str | None = None, email: str | None = None
) -> Account:
    """Insert a member of an organization's staff."""
    async with unit_of_work() as session:
        place = await session.get_one(Community, of.community_id)
    person = await account(place, name=name, phone=phone, email=email)
    await membership(of, person, role)
    return person


async def agreement(
    of: Organization,
    scopes: Iterable[str] | None = None,
    resident: Resident | None = None,  # the field's own word
    *,
    starts_at: datetime = BEFORE,
    ends_at: datetime | None = None,
) -> ServiceAgreement:
    """Insert what an organization may see (everything its roles could, if no scopes are named), of one or of all."""
    return await _insert(
        ServiceAgreement(
            community_id=of.community_id,
            organization_id=of.id,
            resident_id=resident.id if resident else None,
            scopes=sorted(scopes if scopes is not None else frozenset().union(*ROLE_SCOPES.values()) & ALL),
            basis="service contract",
            starts_at=starts_at,
            ends_at=ends_at,
        )
    )


async def operator(of: Community, role: str = "operator", *, phone: str | None = None) -> Account:
    """Insert the community's operator organization with an agreement for everyone, and one member of its staff."""
    house = await organization(of, "operator")
    await agreement(house)
    return await staff(house, role, phone=phone)


async def grant(
    of: Resident,
    to: Account,
    scopes: Iterable[str],
    *,
    kind: str = "consent",
    starts_at: datetime = BEFORE,
    expires_at: datetime | None = None,
    expires_in: timedelta | None = None,
) -> Grant:
    """Insert what a resident lets a person see or do."""
    return await _insert(
        Grant(
            community_id=of.community_id,
            resident_id=of.id,
            grantee_account_id=to.id,
            scopes=sorted(scopes),
            kind=kind,
            granted_by=of.account_id,
            starts_at=starts_at,
            expires_at=clock.now() + expires_in if expires_in else expires_at,
        )
    )


async def _insert(row: Row) -> Row:
    async with unit_of_work() as session:
        session.add(row)
    return row
