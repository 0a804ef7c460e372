"""Connected homes over HTTP: set up, agreed to, given their way to the broker, closed."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor, not_viewed
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import ResidenceEnded, ResidentSubject, require_resident, resident_guard
from community.homes import views
from community.homes.access import ANY_OF_HOME, MANAGE, HomeSubject, holder_guard, home_guard, require_let
from community.homes.problems import (
    CredentialsExist,
    HolderCannotLeave,
    HomeClosed,
    HomeWaiting,
    NoCredentials,
    NotAlone,
    NotByRole,
    TooManyHomes,
)
from community.homes.schemas import HomeConnection, HomeCreate, HomeCredentials, HomeDetail, HomePatch, HomePublic
from community.homes.service import agreeing, connecting, setting_up

router = Router(tags=["smart_home"])

Knower = Annotated[ResidentSubject, Depends(holder_guard(*ANY_OF_HOME))]
Founder = Annotated[ResidentSubject, Depends(resident_guard(MANAGE))]
Known = Annotated[HomeSubject, Depends(home_guard(*ANY_OF_HOME))]
Managed = Annotated[HomeSubject, Depends(home_guard(MANAGE))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ONE: Final = "/homes/{home_id}"
_AGREEMENT: Final = f"{_ONE}/residents/{{resident_id}}/agreement"


@router.resident_route("GET", "/homes", responses=problem_responses(*_GUARDED))
async def list_homes(connection: Reading, actor: CurrentActor, subject: Knower, page: PageQuery) -> Page[HomePublic]:
    """List a resident's connected homes; one's own with those one shares."""
    return await views.of_resident(connection, actor, subject, page)


@router.resident_route(
    "POST", "/homes", status_code=201, responses=problem_responses(*_GUARDED, NotAlone, ResidenceEnded, TooManyHomes)
)
async def create_home(
    session: Session, actor: CurrentActor, subject: Founder, data: HomeCreate, response: Response
) -> HomeDetail:
    """Set up a home. Others of the household are asked; nothing is collected before all agree.

    If the resident's agency sets it up, the resident is asked as well.
    """
    home = await setting_up.set_up(session, actor, subject, data)
    return await _shown(session, home.id, response)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home(connection: Reading, actor: CurrentActor, home: Known, response: Response) -> HomeDetail:
    """Show a home, who lives there, and what was refused of it."""
    found = await views.detail(connection, actor, home)
    set_etag(response, found.version)
    return found


@router.patch(_ONE, responses=problem_responses(*_GUARDED, HomeClosed, NotAlone, StaleVersion))
async def update_home(
    session: Session, actor: CurrentActor, home: Managed, data: HomePatch, if_match: IfMatch, response: Response
) -> HomeDetail:
    """Change a home's name and how its hub is read."""
    await setting_up.change(session, actor, home.id, data, if_match)
    return await _shown(session, home.id, response)


@router.post(f"{_ONE}/closing", responses=problem_responses(*_GUARDED))
async def close_home(session: Session, actor: CurrentActor, home: Managed, response: Response) -> HomeDetail:
    """Close a home: its hub is let in no more. What it noticed is erased a month later."""
    await setting_up.close(session, actor, home.id)
    return await _shown(session, home.id, response)


@router.put(_AGREEMENT, responses=problem_responses(*_GUARDED, HomeClosed, NotByRole))
async def agree_to_home(
    resident_id: uuid.UUID, session: Session, actor: CurrentActor, home: Known, response: Response
) -> HomeDetail:
    """Agree to what the home notices: for oneself, or for somebody who lets one manage their home."""
    require_let(await require_resident(await session.connection(), actor, resident_id, MANAGE))
    await agreeing.agree(session, actor, home.id, resident_id)
    return await _shown(session, home.id, response)


@router.delete(_AGREEMENT, responses=problem_responses(*_GUARDED, HolderCannotLeave, HomeClosed))
async def disagree_with_home(
    resident_id: uuid.UUID, session: Session, actor: CurrentActor, home: Known, response: Response
) -> HomeDetail:
    """Take the agreement back: from now on nothing is collected. The holder closes the home instead."""
    await require_resident(await session.connection(), actor, resident_id, MANAGE)
    await agreeing.disagree(session, actor, home.id, resident_id)
    return await _shown(session, home.id, response)


@router.get(f"{_ONE}/connection", responses=problem_responses(*_GUARDED))
@not_viewed("has the secret of the home")
async def get_home_connection(connection: Reading, home: Managed) -> HomeConnection:
    """Show what is to be typed into the hub, with parts of its configuration ready to be copied."""
    return await views.connection_of_home(connection, home)


@router.post(
    f"{_ONE}/credentials",
    status_code=201,
    responses=problem_responses(*_GUARDED, CredentialsExist, HomeClosed, HomeWaiting, NotByRole),
)
@route_options(idempotency=False)
async def create_home_credentials(session: Session, actor: CurrentActor, home: Managed) -> HomeCredentials:
    """Make what the hub signs in with. The secret is shown this once: whoever has it hears all that the home says."""
    require_let(home.subject)
    return await connecting.make(session, actor, home.id)


@router.post(
    f"{_ONE}/credentials/rotation",
    status_code=201,
    responses=problem_responses(*_GUARDED, HomeClosed, HomeWaiting, NoCredentials, NotByRole),
)
@route_options(idempotency=False)
async def rotate_home_credentials(session: Session, actor: CurrentActor, home: Managed) -> HomeCredentials:
    """Make the credentials anew: the old ones end. The secret is shown this once."""
    require_let(home.subject)
    return await connecting.rotate(session, actor, home.id)


@router.delete(f"{_ONE}/credentials", status_code=204, responses=problem_responses(*_GUARDED, NoCredentials))
async def delete_home_credentials(session: Session, actor: CurrentActor, home: Managed) -> None:
    """End the credentials: the hub is let in no more."""
    await connecting.revoke(session, actor, home.id)


async def _shown(session: Session, home_id: uuid.UUID, response: Response) -> HomeDetail:
    found = await views.shown(await session.connection(), home_id)
    set_etag(response, found.version)
    return found
