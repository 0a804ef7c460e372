"""A home's Home Assistant is told to do something: one call of one of its services, over its REST API."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import outbound
from app.core.later import Later
from app.core.settings import settings
from app.home_assistant import api as home_assistant
from app.home_assistant.api import Publication
from community.home_commands.schemas import NotHandedOver, Parcel, Refused, Way
from community.home_commands.service.reaching import OVER_BROKER
from community.home_hubs import views
from community.home_hubs.rules import ANSWER_SECONDS
from community.home_hubs.schemas import Asked, HubFailed

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Later("aiohttp")

_OF_HUBS: Final = "hub/"
_DONE: Final = frozenset({200, 201})
# 400 is none of them: a script is answered so as well that had begun before it came to what it does not know.
_REFUSED: Final = frozenset({401, 403, 404, 405})


class HubUncertain(RuntimeError):  # noqa: N818 - says what happened
    """Nobody knows whether the hub did it."""


async def call_service(
    hub: Asked, domain: str, service: str, data: Mapping[str, Any], *, within: timedelta | None = None
) -> None:
    """Have a hub do something.

    Raises ``HubFailed`` where it surely did not (it could not be reached, or refused), ``HubUncertain`` where nobody
    knows.
    """
    seconds = min(ANSWER_SECONDS, within.total_seconds()) if within is not None else ANSWER_SECONDS
    headers = {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/json"}
    url = f"{hub.url}/api/services/{domain}/{service}"
    async with outbound.outbound_session(settings().hubs.allow_private, total=seconds) as http:
        try:
            answer = await outbound.send(http, "POST", url, data=orjson.dumps(data), headers=headers)
        except outbound.AddressForbidden:
            raise HubFailed("address_not_allowed") from None
        except aiohttp.ClientConnectorError:
            raise HubFailed("unreachable") from None
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise HubUncertain from None
    if answer.status in _REFUSED:
        raise HubFailed("auth_invalid" if answer.status in (401, 403) else "not_home_assistant")
    if answer.status not in _DONE:
        raise HubUncertain


@dataclass(frozen=True, slots=True)
class HubWay:
    """The way to a home whose hub is asked; what its broker announced goes over the broker as ever."""

    hub: Asked

    def publication(
        self, component: str, config: Mapping[str, Any], command: str, arguments: Mapping[str, Any]
    ) -> Publication:
        """Return what is sent for a command; raises ``NotPossible``."""
        made = home_assistant.publication(component, config, command, arguments)
        if not made.topic.startswith(_OF_HUBS):
            return made
        return home_assistant.hub_call(component, config, command, arguments)

    async def send(self, parcel: Parcel, *, expires_in: timedelta) -> None:
        """Hand a command over.

        Raises ``NotHandedOver`` if it could not be reached, ``Refused`` (asking again helps nothing, and a hub bans who
        keeps trying with a token that is not valid), ``HubUncertain`` if nobody knows.
        """
        topic = parcel.publication.topic
        if not topic.startswith(_OF_HUBS):
            await OVER_BROKER.send(parcel, expires_in=expires_in)
            return
        domain, _, service = topic.removeprefix(_OF_HUBS).partition("/")
        try:
            await call_service(self.hub, domain, service, orjson.loads(parcel.publication.payload), within=expires_in)
        except HubFailed as problem:
            raise (NotHandedOver if problem.code == "unreachable" else Refused) from None


async def hub_ways(connection: AsyncConnection, home_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Way]:
    """Return the ways to those of some homes whose hubs are asked."""
    return {asked.home.id: HubWay(asked) for asked in await views.asked_of(connection, home_ids)}
