"""Panels over HTTP: a resident says what their home shows of them."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import PeopleOnly, Person, ResidentSubject, resident_guard
from community.home_panels import service, views
from community.home_panels.access import require_place
from community.home_panels.problems import HomeNotConnected, OnlyTheirOwn
from community.home_panels.schemas import HomePanelGive, HomePanelPublic
from community.homes.access import MANAGE

router = Router(tags=["smart_home"])

Shown = Annotated[ResidentSubject, Depends(resident_guard(MANAGE))]
_PATH: Final = "/residents/{resident_id}/homes/{home_id}/panel"
_GUARDED: Final = (Unauthenticated, PeopleOnly, Forbidden, NotFound)


@router.get(_PATH, responses=problem_responses(*_GUARDED))
async def get_home_panel(home_id: uuid.UUID, connection: Reading, actor: Person, subject: Shown) -> HomePanelPublic:
    """Show what a resident's home shows of them."""
    await require_place(connection, subject.resident_id, home_id)
    return await views.panel(connection, actor, subject, home_id)


@router.put(_PATH, responses=problem_responses(*_GUARDED, HomeNotConnected, OnlyTheirOwn))
async def put_home_panel(
    home_id: uuid.UUID, session: Session, actor: Person, subject: Shown, data: HomePanelGive
) -> HomePanelPublic:
    """Say what a resident's own Home Assistant shows of them: buttons to press, and what they want to see.

    More than was agreed to is for the resident to say, or for who decides such things for them.
    """
    return views.shown(await service.put_up(session, actor, subject, home_id, data.shows))


@router.delete(_PATH, status_code=204, responses=problem_responses(*_GUARDED))
async def delete_home_panel(home_id: uuid.UUID, session: Session, actor: Person, subject: Shown) -> None:
    """Take the panel off the wall."""
    await service.take_down(session, actor, subject, home_id)
