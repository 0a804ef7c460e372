"""Commands over HTTP: given, confirmed, and what became of them."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import FreshSignInNeeded, PeopleOnly, Person, SecondFactorNeeded
from community.home_commands import views
from community.home_commands.access import Target, guard_command, guard_entity
from community.home_commands.problems import CommandNotOpen, NotYourCommand
from community.home_commands.schemas import HomeCommandCreate, HomeCommandPublic
from community.home_commands.service import commanding as service
from community.homes.access import CONTROL, HomeSubject, home_guard

router = Router(tags=["smart_home"])

Operated = Annotated[Target, Depends(guard_entity)]
Commanded = Annotated[HomeSubject, Depends(guard_command)]
Controlled = Annotated[HomeSubject, Depends(home_guard(CONTROL))]
_GUARDED: Final = (Unauthenticated, PeopleOnly, Forbidden, NotFound)


@router.post(
    "/home-entities/{entity_id}/commands", status_code=201, responses=problem_responses(*_GUARDED, TooManyRequests)
)
async def give_home_command(
    session: Session, actor: Person, thing: Operated, data: HomeCommandCreate
) -> HomeCommandPublic:
    """Have a thing in a home do something, now or not at all.

    It is sent at once; what opens, heats or disarms waits to be confirmed. What cannot reach the thing has `failed` and
    says why.
    """
    row = await service.give(
        session, actor, thing.id, data.command, data.arguments, origin="person", valid_for=data.valid_for
    )
    return views.shown(row)


@router.post(
    "/home-commands/{command_id}/confirmation",
    responses=problem_responses(*_GUARDED, CommandNotOpen, FreshSignInNeeded, NotYourCommand, SecondFactorNeeded),
)
async def confirm_home_command(
    command_id: uuid.UUID, session: Session, actor: Person, _home: Commanded
) -> HomeCommandPublic:
    """Say once more that a riskier command is meant, within a minute of giving it and shortly after signing in."""
    return views.shown(await service.agree(session, actor, command_id))


@router.get("/home-commands/{command_id}", responses=problem_responses(*_GUARDED))
async def get_home_command(
    command_id: uuid.UUID, connection: Reading, actor: Person, home: Commanded
) -> HomeCommandPublic:
    """Show a command and what became of it; another's is shown to who may see what happens in the home."""
    return await views.command(connection, actor, home, command_id)


@router.get("/homes/{home_id}/commands", responses=problem_responses(*_GUARDED))
async def list_home_commands(
    connection: Reading, actor: Person, home: Controlled, page: PageQuery
) -> Page[HomeCommandPublic]:
    """List who had what done in a home, the latest first: without `home:read` only one's own."""
    return await views.commands(connection, actor, home, page)
