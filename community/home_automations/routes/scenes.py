"""Scenes over HTTP: written by whoever manages the home, done by whoever may control it."""

import uuid
from typing import Final

from fastapi import Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, TooManyRequests, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import PeopleOnly, Person
from community.home_automations.access import CONTROL, MANAGE, READ, require_home, require_scene
from community.home_automations.problems import HomeNotActive, SceneInUse, TooManyInHome
from community.home_automations.schemas import HomeScenePublic, HomeSceneWrite, SceneActivated
from community.home_automations.service import scenes as service
from community.home_automations.views import scenes as views

router = Router(tags=["smart_home"])

_GUARDED: Final = (Unauthenticated, PeopleOnly, Forbidden, NotFound)
_OF: Final = "/homes/{home_id}/scenes"
_ONE: Final = "/home-scenes/{scene_id}"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_home_scenes(
    home_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[HomeScenePublic]:
    """List a home's scenes, the latest first."""
    home = await require_home(connection, actor, home_id, READ, CONTROL, MANAGE, living_there=True)
    return await views.scenes(connection, actor, home, page)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, HomeNotActive, TooManyInHome))
async def create_home_scene(
    home_id: uuid.UUID, session: Session, actor: Person, data: HomeSceneWrite, response: Response
) -> HomeScenePublic:
    """Write down what several things of a home are told at once."""
    home = await require_home(await session.connection(), actor, home_id, MANAGE)
    row = await service.create(session, actor, home, data)
    set_etag(response, row.version)
    return views.shown(row)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_scene(
    scene_id: uuid.UUID, connection: Reading, actor: Person, response: Response
) -> HomeScenePublic:
    """Show a scene."""
    home = await require_scene(connection, actor, scene_id, READ, CONTROL, MANAGE, living_there=True)
    found = await views.scene(connection, actor, home, scene_id)
    set_etag(response, found.version)
    return found


@router.put(_ONE, responses=problem_responses(*_GUARDED, HomeNotActive, StaleVersion))
async def set_home_scene(
    scene_id: uuid.UUID,
    session: Session,
    actor: Person,
    data: HomeSceneWrite,
    response: Response,
    if_match: IfMatch = None,
) -> HomeScenePublic:
    """Write a scene anew."""
    home = await require_scene(await session.connection(), actor, scene_id, MANAGE)
    row = await service.write(session, actor, home, scene_id, data, if_match)
    set_etag(response, row.version)
    return views.shown(row)


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED, SceneInUse))
async def delete_home_scene(scene_id: uuid.UUID, session: Session, actor: Person) -> None:
    """Delete a scene that no automation uses."""
    await require_scene(await session.connection(), actor, scene_id, MANAGE)
    await service.delete(session, actor, scene_id)


@router.post(f"{_ONE}/activation", responses=problem_responses(*_GUARDED, TooManyRequests))
async def activate_home_scene(scene_id: uuid.UUID, session: Session, actor: Person) -> SceneActivated:
    """Do what a scene says, now. What of it opens, heats or disarms waits to be confirmed, as if it was given alone."""
    await require_scene(await session.connection(), actor, scene_id, CONTROL, living_there=True)
    return SceneActivated(outcomes=await service.activate(session, actor, scene_id))
