"""What homes' messages mean, kept at hand: bounded, and read anew when a home's registry changed."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from community.home_inbox import views
from community.home_inbox.rules import Routes, routes_of
from community.homes.views import HomeRow

MOST_ENTITIES: Final = 60_000
"""That are kept ready to be read: some hundred megabytes."""

KEPT = Gauge("hearthline_home_entities_kept", "Entities of homes whose readers this gateway keeps ready")


class RoutingCache:
    """The routes of the homes heard last, by key; the one heard longest ago goes first."""

    def __init__(self, most: int = MOST_ENTITIES) -> None:
        self._most = most
        self._weight = 0
        self._routes: OrderedDict[str, Routes] = OrderedDict()

    @property
    def weight(self) -> int:
        """How much is kept: an entity is one, a home another."""
        return self._weight

    def peek(self, key: str) -> Routes | None:
        """Return what is known of a home without a look at the database: it may have changed since."""
        return self._routes.get(key)

    async def of(self, connection: AsyncConnection, homes: Iterable[HomeRow]) -> dict[str, Routes]:
        """Return the routes of ``homes`` as of their registries' versions."""
        found: dict[str, Routes] = {}
        missing: list[HomeRow] = []
        for home in homes:
            routes = self._routes.get(home.key)
            if routes is None or routes.version != home.registry_version:
                missing.append(home)
            else:
                self._routes.move_to_end(home.key)
                found[home.key] = routes
        if missing:
            read = await read_routes(connection, missing)
            self.keep_all(read)
            found |= read
        return found

    def keep_all(self, read: Mapping[str, Routes]) -> None:
        """Keep the routes of homes, as long as there is room."""
        for key, routes in read.items():
            self.keep(key, routes)

    def keep(self, key: str, routes: Routes) -> None:
        """Keep the routes of a home; those of whoever was heard longest ago go for it."""
        self.forget((key,))
        self._routes[key] = routes
        self._weight += routes.weight
        while self._weight > self._most and len(self._routes) > 1:
            _, gone = self._routes.popitem(last=False)
            self._weight -= gone.weight
        KEPT.set(self._weight)

    def note_tried(self, tried: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
        """Remember, of homes that are kept, what their registries were told of what they only tell of."""
        for key, of_home in tried.items():
            routes = self._routes.get(key)
            if routes is not None:
                routes.streams.note_tried(of_home)

    def forget(self, keys: Collection[str]) -> None:
        """Forget what is known of homes."""
        for key in keys:
            gone = self._routes.pop(key, None)
            if gone is not None:
                self._weight -= gone.weight


async def read_routes(connection: AsyncConnection, homes: Collection[HomeRow]) -> dict[str, Routes]:
    """Return the routes of ``homes``, read anew."""
    entities = await views.entities_of(connection, [home.id for home in homes])
    return {home.key: routes_of(home.registry_version, entities[home.id]) for home in homes}
