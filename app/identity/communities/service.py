"""What an operator sets: the community's numbers, languages and features, and its calendar."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.identity.communities.schemas import CommunityChange, HolidaySet
from app.identity.events import HolidaysChanged
from app.identity.models import Community, Holiday
from app.identity.people import rules
from app.identity.people.problems import checked


async def create_community(
    session: AsyncSession,
    *,
    name: str,
    country: str,
    time_zone: str,
    currency: str,
    languages: Sequence[str],
    emergency_numbers: dict[str, str],
    desk_phone: str | None = None,
) -> Community:
    """Create a community and return it; raises ``Malformed`` for an unknown zone, language or number."""
    community = Community(
        name=checked("name", name, rules.check_name),
        country=country.upper(),
        time_zone=checked("time_zone", time_zone, rules.check_time_zone),
        currency=currency.upper(),
        languages=[checked("languages", language, rules.check_language) for language in languages],
        emergency_numbers=emergency_numbers,
        desk_phone=_phone(desk_phone, country),
    )
    session.add(community)
    await session.flush()
    return community


async def change_community(
    session: AsyncSession, actor: Actor, change: CommunityChange, if_match: int | None
) -> Community:
    """Change the actor's community and return it; raises ``StaleVersion``, ``Malformed`` for a wrong number."""
    community = await _locked(session, actor)
    check_version(community, if_match)
    given = change.model_dump(exclude_unset=True)
    if "desk_phone" in given:
        given["desk_phone"] = _phone(change.desk_phone, community.country)
    for field, value in given.items():
        setattr(community, field, value)
    await session.flush()
    details = {"fields": sorted(given)}
    await audit.record(session, actor, action="community:change", object_id=community.id, details=details)
    return community


async def set_holidays(session: AsyncSession, actor: Actor, year: int, days: Sequence[HolidaySet]) -> None:
    """Replace the year's holidays and make-up workdays; raises ``Malformed`` for a day of another year."""
    if strangers := [number for number, given in enumerate(days) if given.day.year != year]:
        raise Malformed(
            errors=[FieldError(f"/body/days/{number}/day", f"is not in {year}", "other_year") for number in strangers]
        )
    community = await _locked(session, actor)
    await session.execute(
        sa.delete(Holiday).where(
            col(Holiday.community_id) == community.id,
            col(Holiday.day).between(date(year, 1, 1), date(year, 12, 31)),
        )
    )
    session.add_all(
        Holiday(community_id=community.id, day=given.day, name=given.name, is_workday=given.is_workday)
        for given in days
    )
    await session.flush()
    await audit.record(session, actor, action="holidays:set", object_id=community.id, details={"year": year})
    await emit(session, HolidaysChanged(aggregate_id=community.id, community_id=community.id))


async def _locked(session: AsyncSession, actor: Actor) -> Community:
    statement = sa.select(Community).where(col(Community.id) == actor.community_id).with_for_update()
    community: Community | None = await session.scalar(statement)
    if community is None:
        raise NotFound
    return community


def _phone(text: str | None, country: str) -> str | None:
    return None if text is None else checked("desk_phone", text, lambda given: rules.normalize_phone(given, country))
