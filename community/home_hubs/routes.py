"""Hubs that are asked, over HTTP: connected by address and token, tried again, let go."""

from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor, not_viewed
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from community.home_hubs import views
from community.home_hubs.problems import HomeNotActive, HubAddressNotAllowed, HubNotConnected
from community.home_hubs.schemas import HomeHubGive, HomeHubPublic
from community.home_hubs.service import connecting
from community.homes.access import MANAGE, HomeSubject, home_guard

router = Router(tags=["smart_home"])

Managed = Annotated[HomeSubject, Depends(home_guard(MANAGE))]
_PATH: Final = "/homes/{home_id}/hub"
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)


@router.get(_PATH, responses=problem_responses(*_GUARDED, HubNotConnected))
@not_viewed("is about the secret of the home")
async def get_home_hub(connection: Reading, home: Managed) -> HomeHubPublic:
    """Show how it goes with a home's Home Assistant that is asked over its own API."""
    return await views.shown(connection, home.id)


@router.put(_PATH, responses=problem_responses(*_GUARDED, HomeNotActive, HubAddressNotAllowed))
async def put_home_hub(session: Session, actor: CurrentActor, home: Managed, data: HomeHubGive) -> HomeHubPublic:
    """Connect a home's Home Assistant by its address and a long-lived access token. It is tried at once."""
    await connecting.connect(session, actor, home, data)
    return await views.shown(await session.connection(), home.id)


@router.post(f"{_PATH}/attempt", status_code=202, responses=problem_responses(*_GUARDED, HubNotConnected))
async def try_home_hub(session: Session, home: Managed) -> HomeHubPublic:
    """Have a hub that fails tried at once; how that went is shown a moment later."""
    await connecting.try_again(session, home)
    return await views.shown(await session.connection(), home.id)


@router.delete(_PATH, status_code=204, responses=problem_responses(*_GUARDED, HubNotConnected))
async def delete_home_hub(session: Session, actor: CurrentActor, home: Managed) -> None:
    """Disconnect a home's Home Assistant; what is known of its devices stays with the home."""
    await connecting.disconnect(session, actor, home)
