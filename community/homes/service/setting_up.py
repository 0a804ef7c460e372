"""A home is set up, changed and closed."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.events import emit
from app.core.routing import check_version
from app.identity.api import ResidenceEnded, ResidentSubject, households_of
from community.home_events import HomeClosed as HomeWasClosed
from community.homes import notices, repository, rules
from community.homes.models import Home, HomeResident
from community.homes.problems import HomeClosed, NotAlone, TooManyHomes
from community.homes.schemas import HomeCreate, HomePatch
from community.homes.service.agreeing import follow
from community.homes.service.telling import tell_managers


async def set_up(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: HomeCreate) -> Home:
    """Set up a home of a resident, who agrees by it or by whom they let manage it; others who live there are asked.

    Whoever serves the resident sets it up without agreeing for them: then they are asked as well.

    Raises ``ResidenceEnded``, ``TooManyHomes``, and ``NotAlone`` if others live there.
    """
    if subject.state != "active":
        raise ResidenceEnded
    if len(await repository.homes_of_holder(session, subject.resident_id)) >= rules.MOST_HOMES:
        raise TooManyHomes(most=rules.MOST_HOMES)
    now = clock.now()
    agreed: dict[str, Any] = {} if subject.relation == "staff" else {"agreed_at": now, "agreed_by": actor.id}
    household = (await households_of(await session.connection(), [subject.resident_id])).get(subject.resident_id)
    home = Home(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        key=rules.new_key(),
        name=data.name,
        addressing=data.addressing,
        discovery_prefix=data.discovery_prefix,
        time_zone=data.time_zone or subject.time_zone,
        lives_alone=data.lives_alone,
        state="waiting",
        building=household.building if household else None,
        household_id=household.id if household else None,
        set_up_by=actor.id,
        follow_at=now,
    )
    session.add(home)
    await session.flush()
    session.add(HomeResident(home_id=home.id, resident_id=subject.resident_id, asked_at=now, **agreed))
    await session.flush()
    await follow(session, [home.id])
    if data.lives_alone and not home.lives_alone:
        raise NotAlone
    await audit.record(session, actor, "homes:set_up", resident_id=subject.resident_id, object_id=home.id)
    if actor.id != subject.account_id:
        notice = notices.SET_UP if agreed else notices.AGREEMENT_ASKED
        await tell_managers(session, notice, occasion="set_up", **_of(home))
    return home


async def change(
    session: AsyncSession, actor: Actor, home_id: uuid.UUID, data: HomePatch, if_match: int | None
) -> Home:
    """Change what a home is called and how it is read. Raises ``HomeClosed``, ``StaleVersion``, ``NotAlone``."""
    home = await repository.locked_home(session, home_id)
    check_version(home, if_match)
    if home.state == "closed":
        raise HomeClosed
    if data.lives_alone and len((await repository.residents_of(session, [home.id]))[home.id]) > 1:
        raise NotAlone
    given = {name: value for name in data.model_fields_set if (value := getattr(data, name)) is not None}
    for name, value in given.items():
        setattr(home, name, value)
    home.registry_version += 1
    await session.flush()
    await audit.record(
        session, actor, "homes:change", resident_id=home.resident_id, object_id=home.id, details={"of": sorted(given)}
    )
    return home


async def close(session: AsyncSession, actor: Actor, home_id: uuid.UUID) -> Home:
    """Close a home: its hub is let in no more, nothing is collected, and what was is erased when its time is over."""
    home = await repository.locked_home(session, home_id)
    if home.state != "closed":
        await _close(session, actor, home, "closed")
    return home


async def end_homes(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close the homes of a resident who moved out or died, and take them out of those of others.

    Once more changes nothing. A closure that was a mistake brings no home back: its hub is given credentials anew.
    """
    for home in await repository.homes_of_holder(session, resident_id):
        await _close(session, system_actor(home.community_id), home, "ended")
    await follow(session, await repository.homes_lived_in(session, resident_id))


async def forget_homes(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close the homes of somebody who is being erased; those of others they lived in are looked at again at once.

    A closed home outlives the person for its month, without its name: only so its hub is locked out, too.
    """
    for home in await repository.homes_of_holder(session, resident_id):
        await _close(session, system_actor(home.community_id), home, "ended")
    for home in await repository.locked_homes(session, await repository.homes_lived_in(session, resident_id)):
        home.follow_at = clock.now() if home.state != "closed" else None
    await session.flush()


async def _close(session: AsyncSession, actor: Actor, home: Home, reason: str) -> None:
    now = clock.now()
    home.state, home.closed_at, home.close_reason = "closed", now, reason
    home.provision_at = rules.tell_at(now, home.provision_at) if home.secret_at is not None else home.provision_at
    home.secret = home.password_line = home.secret_at = home.follow_at = home.silent_since = None
    home.provision_tries = 0
    home.registry_version += 1
    await session.flush()
    await audit.record(session, actor, "homes:close", resident_id=home.resident_id, object_id=home.id)
    await emit(
        session,
        HomeWasClosed(aggregate_id=home.id, community_id=home.community_id, resident_id=home.resident_id),
    )


def _of(home: Home) -> dict[str, Any]:
    return {"home_id": home.id, "resident_id": home.resident_id, "community_id": home.community_id}
