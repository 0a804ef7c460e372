"""Writing automations, switching them on and off, and what the resident agrees to."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from community.home_automations import repository
from community.home_automations.access import HomeSubject, require_care
from community.home_automations.models import (
    AUTOMATIONS,
    HomeAutomation,
    HomeAutomationMemory,
    HomeAutomationWatch,
)
from community.home_automations.problems import OffByResident, TooManyInHome
from community.home_automations.repository import Standing
from community.home_automations.rules.definitions import Definition, as_json, care_events, uses_sun, watched
from community.home_automations.rules.engine import begin
from community.home_automations.rules.limits import MOST_AUTOMATIONS
from community.home_automations.rules.memory import AVAILABILITY, Seen, dump
from community.home_automations.rules.sun import Place
from community.home_automations.schemas import AgreementGive, HomeAutomationWrite
from community.home_automations.service.checking import check
from community.home_automations.service.hearing import places
from community.home_automations.service.running import switch_off
from community.home_automations.views.risks import riskier

_COUNT: Final = sa.select(sa.func.count()).where(AUTOMATIONS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid))


async def create(
    session: AsyncSession, actor: Actor, home: HomeSubject, data: HomeAutomationWrite, *, template: str | None = None
) -> HomeAutomation:
    """Write an automation, on unless told otherwise, and return it.

    Raises ``HomeNotActive``, ``TooManyInHome``, ``Forbidden`` for whoever may not know of the care it waits for,
    ``Malformed`` for what the home does not have or cannot do.
    """
    home.require_active()
    connection = await session.connection()
    if int(await session.scalar(_COUNT, {"home_id": home.id}) or 0) >= MOST_AUTOMATIONS:
        raise TooManyInHome(most=MOST_AUTOMATIONS)
    await require_care(connection, actor, home.resident_id, care_events(data.definition))
    await check(connection, home, data.definition, "/body/definition")
    row = HomeAutomation(
        home_id=home.id,
        resident_id=home.resident_id,
        community_id=home.community_id,
        name=data.name,
        definition=as_json(data.definition),
        template=template,
        is_enabled=data.is_enabled,
        off_because=None if data.is_enabled else "person",
        off_since=None if data.is_enabled else clock.now(),
    )
    session.add(row)
    await session.flush()
    if row.is_enabled:
        await _begin(session, home, row, data.definition)
    await _enter(session, actor, row, "home_automation:create")
    return row


async def write(
    session: AsyncSession,
    actor: Actor,
    home: HomeSubject,
    automation_id: uuid.UUID,
    data: HomeAutomationWrite,
    if_match: int | None,
) -> HomeAutomation:
    """Write an automation anew; what an earlier run still has to do, it does.

    What the resident agreed to was for what it said then: if somebody else changes that, they are asked anew. Raises
    ``StaleVersion``, ``OffByResident``, and as ``create`` does.
    """
    home.require_active()
    row = await repository.automation(session, automation_id)
    check_version(row, if_match)
    await check(await session.connection(), home, data.definition, "/body/definition")
    is_theirs = home.is_holder or row.definition == as_json(data.definition)
    if not is_theirs:
        await require_care(await session.connection(), actor, home.resident_id, care_events(data.definition))
    row.name, row.definition = data.name, as_json(data.definition)
    await repository.forget(session, row.id)
    if data.is_enabled:
        await _switch_on(session, home, row, data.definition)
    elif row.is_enabled:
        await switch_off(session, row, "resident" if home.is_holder else "person", clock.now())
    risks = await riskier(await session.connection(), home.id, data.definition.actions, row.agreed)
    row.agreed = {one.digest: row.agreed[one.digest] for one in risks if one.is_agreed and is_theirs}
    await session.flush()
    await _enter(session, actor, row, "home_automation:write")
    return row


async def switch(
    session: AsyncSession, actor: Actor, home: HomeSubject, automation_id: uuid.UUID, *, on: bool
) -> HomeAutomation:
    """Switch an automation on or off; off at any time, also what it had begun. Raises as ``write`` does."""
    row = await repository.automation(session, automation_id)
    if on == row.is_enabled:
        return row
    if on:
        home.require_active()
        definition = Definition.model_validate(row.definition)
        await check(await session.connection(), home, definition, "/definition")
        await _switch_on(session, home, row, definition)
    else:
        await switch_off(session, row, "resident" if home.lives_there else "person", clock.now())
    await _enter(session, actor, row, "home_automation:switch_on" if on else "home_automation:switch_off")
    return row


async def switch_all_off(session: AsyncSession, actor: Actor, home: HomeSubject) -> int:
    """Let a home do nothing by itself any more; return how many automations were on."""
    rows = await repository.automations_of(session, home.id)
    for row in rows:
        await switch_off(session, row, "resident" if home.lives_there else "person", clock.now())
        await _enter(session, actor, row, "home_automation:switch_off")
    return len(rows)


async def agree(
    session: AsyncSession,
    actor: Actor,
    home: HomeSubject,
    automation_id: uuid.UUID,
    data: AgreementGive,
    if_match: int | None,
) -> HomeAutomation:
    """Write down which of an automation's riskier actions the resident agrees to from now on.

    Raises ``ResidentsOwn`` for anybody else, ``StaleVersion`` if it is not as they saw it, ``Malformed`` for what the
    automation does not do.
    """
    home.require_holder()
    row = await repository.automation(session, automation_id)
    check_version(row, if_match)
    definition = Definition.model_validate(row.definition)
    asked = {one.digest for one in await riskier(await session.connection(), home.id, definition.actions, row.agreed)}
    unknown = [n for n, digest in enumerate(data.digests) if digest not in asked]
    if unknown:
        raise Malformed(
            errors=[FieldError(f"/body/digests/{n}", "the automation does no such thing", "unknown") for n in unknown]
        )
    now = clock.now().isoformat()
    row.agreed = {digest: row.agreed.get(digest, now) for digest in data.digests}
    await session.flush()
    await _enter(session, actor, row, "home_automation:agree")
    return row


async def delete(session: AsyncSession, actor: Actor, automation_id: uuid.UUID) -> None:
    """Delete an automation, with its log and what it had begun."""
    row = await repository.automation(session, automation_id)
    await _enter(session, actor, row, "home_automation:delete")
    await session.delete(row)
    await session.flush()


async def _switch_on(session: AsyncSession, home: HomeSubject, row: HomeAutomation, definition: Definition) -> None:
    if row.off_because == "resident" and not home.lives_there:
        raise OffByResident
    row.is_enabled, row.off_because, row.off_since = True, None, None
    await session.flush()
    await _begin(session, home, row, definition)


async def _begin(session: AsyncSession, home: HomeSubject, row: HomeAutomation, definition: Definition) -> None:
    """Let an automation look at its home from now on."""
    keys = watched(definition)
    entity_ids = {entity_id for entity_id, _ in keys}
    standing = await repository.standing(session, entity_ids)
    place = Place(home.time_zone)
    if uses_sun(definition):
        place = (await places(session, {home.resident_id: home.time_zone}))[home.resident_id]
    memory = begin(definition, place, clock.now(), _seen(keys, standing))
    session.add(
        HomeAutomationMemory(
            id=row.id,
            home_id=row.home_id,
            resident_id=row.resident_id,
            memory=dump(memory),
            next_run_at=memory.next_at,
            hears_of_care=bool(care_events(definition)),
        )
    )
    session.add_all(
        HomeAutomationWatch(entity_id=entity_id, automation_id=row.id, resident_id=row.resident_id)
        for entity_id in sorted(entity_ids)
    )
    await session.flush()


def _seen(keys: set[tuple[uuid.UUID, str]], standing: dict[uuid.UUID, Standing]) -> dict[tuple[uuid.UUID, str], Seen]:
    found: dict[tuple[uuid.UUID, str], Seen] = {}
    for entity_id, attribute in keys:
        known = standing.get(entity_id)
        if known is None:
            continue
        found[entity_id, AVAILABILITY] = Seen("online" if known.is_available else "offline", None, known.changed_at)
        if attribute == "state":
            found[entity_id, attribute] = Seen(known.state, known.number, known.changed_at)
        elif attribute in known.attributes:
            found[entity_id, attribute] = _attribute(known.attributes[attribute], known)
    return found


def _attribute(value: Any, known: Standing) -> Seen:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Seen(None if value is None else str(value), float(value) if is_number else None, known.changed_at)


async def _enter(session: AsyncSession, actor: Actor, row: HomeAutomation, action: str) -> None:
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )
