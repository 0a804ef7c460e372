"""Accounts, residents and their profiles: how they come to be and how they change."""

import uuid
from collections.abc import Set as AbstractSet
from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import Forbidden, NotFound, StaleVersion
from app.core.routing import check_version
from app.core.sealing import seal
from app.identity.events import ProfileChanged, ResidentMovedZone
from app.identity.models import Account, Community, Household, Resident
from app.identity.people import rules
from app.identity.people.contacts import build_contact_point
from app.identity.people.problems import ReferenceTaken, ResidenceEnded, checked
from app.identity.people.repository import (
    lock_account,
    lock_resident,
    new_contact_point,
    new_household,
)
from app.identity.people.schemas import AccountChange, HouseholdAdd, ProfileChange, ResidentCreate
from app.identity.people.seals import EMERGENCY_NOTES, NATIONAL_ID, national_id_index
from app.identity.visibility import ResidentSubject


async def create_account(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str,
    phone: str | None = None,
    email: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    is_vouched: bool = False,
) -> Account:
    """Create a person in the actor's community, with unverified contact points, and return the account.

    ``is_vouched`` if staff answer for the number being theirs.
    A phone without a country code is read as the community's. Language and zone are the community's unless given.
    Raises ``Malformed`` for what is not a number, an address, a language or a zone.
    """
    community = await session.get(Community, actor.community_id)
    if community is None:
        raise NotFound
    account = _new_account(community, name, language, time_zone)
    session.add(account)
    await session.flush()
    if phone is not None:
        number = checked("phone", phone, lambda text: rules.normalize_phone(text, community.country))
        session.add(new_contact_point(account.id, "mobile", number, ["app", "sms", "voice"], is_vouched=is_vouched))
    if email is not None:
        address = checked("email", email, rules.normalize_email)
        session.add(new_contact_point(account.id, "email", address, ["email"], position=1))
    await session.flush()
    await audit.record(session, actor, action="account:create", object_id=account.id)
    return account


async def change_account(session: AsyncSession, actor: Actor, change: AccountChange, if_match: int | None) -> Account:
    """Change the actor's own account and return it; raises ``StaleVersion``."""
    account = await lock_account(session, actor.id)
    check_version(account, if_match)
    changed = _apply_account(account, change.model_dump(exclude_unset=True))
    await session.flush()
    await _tell(session, account, actor.resident_id, changed)
    return account


async def create_resident(session: AsyncSession, actor: Actor, data: ResidentCreate) -> Resident:
    """Create a resident of the actor's community with account, household and contact points, and return them.

    Raises ``Malformed``, ``NotFound`` for a household of another community, ``ReferenceTaken``.
    """
    community = await session.get(Community, actor.community_id)
    if community is None:
        raise NotFound
    account = _new_account(community, data.name, data.language, data.time_zone)
    session.add(account)
    await session.flush()
    resident = Resident(
        community_id=community.id,
        account_id=account.id,
        household_id=await _household(session, community, data.household_id, data.household),
        reference=data.reference,
        birth_date=_checked_birth_date(data.birth_date, account.time_zone),
        accessibility_needs=sorted(set(data.accessibility_needs)),
        tags=sorted(set(data.tags)),
        emergency_notes=seal(data.emergency_notes, EMERGENCY_NOTES) if data.emergency_notes else None,
        national_id=seal(data.national_id, NATIONAL_ID) if data.national_id else None,
        national_id_index=national_id_index(data.national_id) if data.national_id else None,
    )
    session.add(resident)
    for number, given in enumerate(data.contact_points):
        at = f"contact_points/{number}/"
        point = build_contact_point(account.id, given, community.country, at=at, position=given.position or number)
        point.is_vouched = True
        session.add(point)
    await _flush_references(session)
    await audit.record(session, actor, action="resident:create", resident_id=resident.id, object_id=resident.id)
    return resident


async def change_profile(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, change: ProfileChange, if_match: int | None
) -> None:
    """Change a resident's profile; ``if_match`` is the profile's version, the sum of its rows' versions.

    Raises ``StaleVersion``, ``ResidenceEnded``, ``Forbidden`` for what only staff changes, ``ReferenceTaken``.
    """
    account, resident = await lock_resident(session, subject.resident_id)
    if if_match is not None and if_match != account.version + resident.version:
        raise StaleVersion
    if resident.state != "active":
        raise ResidenceEnded
    given = change.model_dump(exclude_unset=True)
    if subject.relation != "staff" and given.keys() & {"household", "reference", "tags"}:
        raise Forbidden("only the community's staff changes the household, the reference and the tags")
    changed = _apply_account(account, given)
    changed |= await _apply_resident(session, resident, account.time_zone, change, given.keys())
    await _flush_references(session)
    if changed:
        await audit.record(
            session,
            actor,
            action="profile:change",
            resident_id=resident.id,
            object_id=resident.id,
            details={"fields": sorted(changed)},
        )
    await _tell(session, account, resident.id, changed)


def _new_account(community: Community, name: str, language: str | None, time_zone: str | None) -> Account:
    return Account(
        community_id=community.id,
        name=checked("name", name, rules.check_name),
        language=checked("language", language or community.languages[0], rules.check_language),
        time_zone=checked("time_zone", time_zone or community.time_zone, rules.check_time_zone),
    )


def _apply_account(account: Account, given: dict[str, object]) -> set[str]:
    changed: set[str] = set()
    for field in ("name", "language", "time_zone"):
        if field in given and given[field] != getattr(account, field):
            setattr(account, field, given[field])
            changed.add(field)
    return changed


async def _apply_resident(
    session: AsyncSession, resident: Resident, time_zone: str, change: ProfileChange, given: AbstractSet[str]
) -> set[str]:
    if "birth_date" in given:
        resident.birth_date = _checked_birth_date(change.birth_date, time_zone)
    if "accessibility_needs" in given:
        resident.accessibility_needs = sorted(set(change.accessibility_needs))
    if "tags" in given:
        resident.tags = sorted(set(change.tags))
    if "emergency_notes" in given:
        resident.emergency_notes = seal(change.emergency_notes, EMERGENCY_NOTES) if change.emergency_notes else None
    if "reference" in given:
        resident.reference = change.reference
    if "household" in given:
        resident.household_id = None
        if change.household is not None:
            household = new_household(resident.community_id, change.household)
            session.add(household)
            await _flush_references(session)
            resident.household_id = household.id
    return set(given) - {"name", "language", "time_zone"}


async def _household(
    session: AsyncSession, community: Community, household_id: uuid.UUID | None, data: HouseholdAdd | None
) -> uuid.UUID | None:
    if household_id is not None:
        statement = sa.select(col(Household.id)).where(
            col(Household.id) == household_id, col(Household.community_id) == community.id
        )
        if await session.scalar(statement) is None:
            raise NotFound("there is no such household")
        return household_id
    if data is None:
        return None
    household = new_household(community.id, data)
    session.add(household)
    await _flush_references(session)
    return household.id


def _checked_birth_date(day: date | None, time_zone: str) -> date | None:
    if day is None:
        return None
    today = clock.now().astimezone(ZoneInfo(time_zone)).date()
    return checked("birth_date", day, lambda given: rules.check_birth_date(given, today))


async def _flush_references(session: AsyncSession) -> None:
    """Flush; two residents or households under one reference become ``ReferenceTaken``."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "_reference" in str(error.orig) or "uq_identity_resident" in str(error.orig):
            raise ReferenceTaken from None
        raise


async def _tell(session: AsyncSession, account: Account, resident_id: uuid.UUID | None, changed: set[str]) -> None:
    if "time_zone" in changed and resident_id is not None:
        moved = ResidentMovedZone(aggregate_id=account.id, community_id=account.community_id, resident_id=resident_id)
        await emit(session, moved)
    if changed - {"time_zone"} or (changed and resident_id is None):
        event = ProfileChanged(aggregate_id=account.id, community_id=account.community_id, resident_id=resident_id)
        await emit(session, event)
