"""Who lives in a home agrees to what it notices, or not: until all do, nothing is collected."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import households_of, living_in
from community.homes import notices, repository, rules
from community.homes.models import Home, HomeResident
from community.homes.problems import HolderCannotLeave, HomeClosed
from community.homes.service.telling import tell_managers, tell_resident

FOLLOWED: Final = timedelta(hours=6)
"""So often it is looked who lives in a home: whoever moved in is asked, and nothing is collected until they agree."""


async def agree(session: AsyncSession, actor: Actor, home_id: uuid.UUID, resident_id: uuid.UUID) -> Home:
    """Write down that somebody who lives in a home agrees; raises ``NotFound``, ``HomeClosed``."""
    home, living = await _home_and_residents(session, home_id)
    who = _one(living, resident_id)
    if who.agreed_at is None:
        who.agreed_at, who.agreed_by = clock.now(), actor.id
        await session.flush()
        await audit.record(session, actor, "homes:agree", resident_id=resident_id, object_id=home.id)
        await _settle(session, home, living)
    return home


async def disagree(session: AsyncSession, actor: Actor, home_id: uuid.UUID, resident_id: uuid.UUID) -> Home:
    """Write down that somebody who lives in a home does not agree any more: from now on nothing is collected.

    Raises ``NotFound``, ``HomeClosed``, and ``HolderCannotLeave`` for the holder, who closes the home instead.
    """
    home, living = await _home_and_residents(session, home_id)
    if resident_id == home.resident_id:
        raise HolderCannotLeave
    who = _one(living, resident_id)
    if who.agreed_at is not None:
        who.agreed_at = who.agreed_by = None
        await session.flush()
        await audit.record(session, actor, "homes:disagree", resident_id=resident_id, object_id=home.id)
        await _settle(session, home, living)
    return home


async def follow(session: AsyncSession, home_ids: Sequence[uuid.UUID]) -> None:
    """See who lives in homes now: ask whoever moved in, forget whoever left, and collect only where all agree."""
    homes = [home for home in await repository.locked_homes(session, home_ids) if home.state != "closed"]
    connection = await session.connection()
    households = await households_of(connection, [home.resident_id for home in homes])
    for home in homes:
        household = households.get(home.resident_id)
        home.household_id, home.building = (household.id, household.building) if household else (None, None)
        home.follow_at = clock.now() + FOLLOWED
    living = await living_in(connection, {household.id for household in households.values()})
    wanted = {home.id: {home.resident_id, *living.get(home.household_id or home.id, {})} for home in homes}
    await session.flush()
    asked = await repository.ask(session, [(home, one) for home, all_ in wanted.items() for one in sorted(all_)])
    known = await repository.residents_of(session, list(wanted))
    for home in homes:
        here = [one for one in known[home.id] if one.resident_id in wanted[home.id]]
        for one in known[home.id]:
            if one.resident_id not in wanted[home.id]:
                await session.delete(one)
        home.lives_alone = home.lives_alone and len(here) == 1
        await _settle(session, home, here)
        for who in (resident_id for home_id, resident_id in asked if home_id == home.id):
            await _tell_asked(session, home, who)


async def _tell_asked(session: AsyncSession, home: Home, resident_id: uuid.UUID) -> None:
    if resident_id != home.resident_id:
        await tell_resident(
            session,
            notices.AGREEMENT_ASKED,
            resident_id,
            home_id=home.id,
            resident_id=home.resident_id,
            community_id=home.community_id,
            occasion=f"asked:{resident_id}:{clock.now().isoformat()}",
        )


async def _settle(session: AsyncSession, home: Home, living: Sequence[HomeResident]) -> None:
    before, home.state = home.state, rules.state_of([one.agreed_at is not None for one in living])
    await session.flush()
    if before == "active" and home.state == "waiting":
        await tell_managers(
            session,
            notices.WAITING,
            home_id=home.id,
            resident_id=home.resident_id,
            community_id=home.community_id,
            occasion=f"waiting:{clock.now().isoformat()}",
        )


async def _home_and_residents(session: AsyncSession, home_id: uuid.UUID) -> tuple[Home, list[HomeResident]]:
    home = await repository.locked_home(session, home_id)
    if home.state == "closed":
        raise HomeClosed
    return home, (await repository.residents_of(session, [home.id]))[home.id]


def _one(living: Sequence[HomeResident], resident_id: uuid.UUID) -> HomeResident:
    found = next((one for one in living if one.resident_id == resident_id), None)
    if found is None:
        raise NotFound
    return found
