"""Automations over HTTP: written by whoever manages the home, seen and switched off by whoever lives there."""

import uuid
from typing import Final

from fastapi import Response
from pydantic import BaseModel, Field

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import PeopleOnly, Person
from community.home_automations.access import MANAGE, READ, HomeSubject, require_automation, require_home
from community.home_automations.problems import HomeNotActive, OffByResident, ResidentsOwn, TooManyInHome
from community.home_automations.schemas import (
    AgreementGive,
    HomeAutomationPublic,
    HomeAutomationRunPublic,
    HomeAutomationWrite,
    TrialGive,
    TrialPublic,
)
from community.home_automations.service import keeping, trial
from community.home_automations.views import automations as views

router = Router(tags=["smart_home"])

_GUARDED: Final = (Unauthenticated, PeopleOnly, Forbidden, NotFound)
_OF: Final = "/homes/{home_id}/automations"
_ONE: Final = "/home-automations/{automation_id}"


class SwitchedOff(BaseModel):
    """How many automations were on, and are not any more."""

    count: int = Field(description="automations")


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_home_automations(
    home_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[HomeAutomationPublic]:
    """List what a home does by itself, the latest first."""
    home = await require_home(connection, actor, home_id, READ, MANAGE, living_there=True)
    return await views.automations(connection, actor, home, page)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, HomeNotActive, TooManyInHome))
async def create_home_automation(
    home_id: uuid.UUID, session: Session, actor: Person, data: HomeAutomationWrite, response: Response
) -> HomeAutomationPublic:
    """Have a home do something by itself from now on. What is riskier in it waits for the resident's word."""
    home = await require_home(await session.connection(), actor, home_id, MANAGE)
    row = await keeping.create(session, actor, home, data)
    return await _shown(session, home, row.id, response)


@router.post(f"{_OF}/dry-run", responses=problem_responses(*_GUARDED))
@route_options(writes=False)
async def try_home_automation(home_id: uuid.UUID, connection: Reading, actor: Person, data: TrialGive) -> TrialPublic:
    """Say what an automation would have done in the last days, and why not. It shows what the home noticed then."""
    home = await require_home(connection, actor, home_id, READ)
    return await trial.attempt(connection, actor, home, data)


@router.post(f"{_OF}/switching-off", responses=problem_responses(*_GUARDED))
async def switch_off_home_automations(home_id: uuid.UUID, session: Session, actor: Person) -> SwitchedOff:
    """Switch everything off that a home does by itself, and what it had begun."""
    home = await require_home(await session.connection(), actor, home_id, MANAGE, living_there=True)
    return SwitchedOff(count=await keeping.switch_all_off(session, actor, home))


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_automation(
    automation_id: uuid.UUID, connection: Reading, actor: Person, response: Response
) -> HomeAutomationPublic:
    """Show an automation."""
    home = await require_automation(connection, actor, automation_id, READ, MANAGE, living_there=True)
    found = await views.automation(connection, actor, home, automation_id)
    set_etag(response, found.version)
    return found


@router.put(_ONE, responses=problem_responses(*_GUARDED, HomeNotActive, OffByResident, StaleVersion))
async def set_home_automation(
    automation_id: uuid.UUID,
    session: Session,
    actor: Person,
    data: HomeAutomationWrite,
    response: Response,
    if_match: IfMatch = None,
) -> HomeAutomationPublic:
    """Write an automation anew. If somebody else than the resident changes it, they are asked anew for their word."""
    home = await require_automation(await session.connection(), actor, automation_id, MANAGE)
    row = await keeping.write(session, actor, home, automation_id, data, if_match)
    return await _shown(session, home, row.id, response)


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED))
async def delete_home_automation(automation_id: uuid.UUID, session: Session, actor: Person) -> None:
    """Delete an automation, its log and what it had begun."""
    await require_automation(await session.connection(), actor, automation_id, MANAGE)
    await keeping.delete(session, actor, automation_id)


@router.post(f"{_ONE}/switching-on", responses=problem_responses(*_GUARDED, HomeNotActive, OffByResident))
async def switch_on_home_automation(
    automation_id: uuid.UUID, session: Session, actor: Person, response: Response
) -> HomeAutomationPublic:
    """Switch an automation on. What the resident switched off, only who lives there switches on again."""
    home = await require_automation(await session.connection(), actor, automation_id, MANAGE, living_there=True)
    row = await keeping.switch(session, actor, home, automation_id, on=True)
    return await _shown(session, home, row.id, response)


@router.post(f"{_ONE}/switching-off", responses=problem_responses(*_GUARDED))
async def switch_off_home_automation(
    automation_id: uuid.UUID, session: Session, actor: Person, response: Response
) -> HomeAutomationPublic:
    """Switch an automation off, and what it had begun."""
    home = await require_automation(await session.connection(), actor, automation_id, MANAGE, living_there=True)
    row = await keeping.switch(session, actor, home, automation_id, on=False)
    return await _shown(session, home, row.id, response)


@router.put(f"{_ONE}/agreement", responses=problem_responses(*_GUARDED, ResidentsOwn, StaleVersion))
async def set_home_automation_agreement(
    automation_id: uuid.UUID,
    session: Session,
    actor: Person,
    data: AgreementGive,
    response: Response,
    if_match: IfMatch = None,
) -> HomeAutomationPublic:
    """Say, as the resident whose home it is, which riskier things an automation may do without asking.

    With the version they were shown: somebody else may have written since when it does them.
    """
    home = await require_automation(await session.connection(), actor, automation_id, MANAGE, living_there=True)
    row = await keeping.agree(session, actor, home, automation_id, data, if_match)
    return await _shown(session, home, row.id, response)


@router.get(f"{_ONE}/runs", responses=problem_responses(*_GUARDED))
async def list_home_automation_runs(
    automation_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[HomeAutomationRunPublic]:
    """List what an automation decided and why, the latest first. It shows what the home noticed then."""
    home = await require_automation(connection, actor, automation_id, READ, living_there=True)
    return await views.runs(connection, actor, home, automation_id, page)


async def _shown(
    session: Session, home: HomeSubject, automation_id: uuid.UUID, response: Response
) -> HomeAutomationPublic:
    found = await views.after_change(await session.connection(), home, automation_id)
    set_etag(response, found.version)
    return found
