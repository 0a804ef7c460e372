"""The ways to homes: over the broker, or as somebody else knows how."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.broker import api as broker
from app.home_assistant import api as home_assistant
from app.home_assistant.api import Publication
from community.home_commands.schemas import NotHandedOver, Parcel, Refused, Way

Finder = Callable[[AsyncConnection, Sequence[uuid.UUID]], Awaitable[Mapping[uuid.UUID, Way]]]
"""Returns the ways to those of some homes that it knows a way to."""

_finders: list[Finder] = []


class _OverBroker:
    """The ordinary way: MQTT, kept by nobody, and forgotten by the broker once it is too late."""

    def publication(
        self, component: str, config: Mapping[str, Any], command: str, arguments: Mapping[str, Any]
    ) -> Publication:
        return home_assistant.publication(component, dict(config), command, arguments)

    async def send(self, parcel: Parcel, *, expires_in: timedelta) -> None:
        if parcel.is_riskier and not broker.forgets_in_time():
            # It could be kept for a hub that is away, and open the door whenever that comes back.
            raise Refused
        publisher, has_begun = broker.publisher(), False
        for one in (parcel.publication, *parcel.publication.then):
            topic = f"homes/{parcel.key}/{one.topic}"
            try:
                # Whatever a device's own description wishes: what is kept would open the door to whoever comes next.
                await publisher.publish(topic, one.payload, qos=0, retain=False, expires_in=expires_in)
            except broker.NotConnected:
                if has_begun:
                    raise  # half of it has left: nobody knows what the thing makes of that
                raise NotHandedOver from None
            has_begun = True


OVER_BROKER: Final[Way] = _OverBroker()


def install_ways(finders: Sequence[Finder]) -> list[Finder]:
    """Let ``finders`` say which homes are not reached over the broker but otherwise; return those there were before."""
    previous = list(_finders)
    _finders[:] = finders
    return previous


async def ways(connection: AsyncConnection, home_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Way]:
    """Return the way to each home: over the broker, unless somebody knows another."""
    found: dict[uuid.UUID, Way] = dict.fromkeys(home_ids, OVER_BROKER)
    for find in _finders:
        found.update(await find(connection, home_ids))
    return found
