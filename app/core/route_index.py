"""Finding a route by the segments of its path instead of trying one pattern after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_CHOSEN = "hearthline_route"


@dataclass(slots=True)
class _Node:
    """The routes whose path ends here, and where the next segment leads: by its word, or as a parameter."""

    routes: list[Route] = field(default_factory=list)
    words: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None


class RouteIndex(BaseRoute):
    """All routes of the application as one: a request meets the few patterns its path can match, not all of them.

    With some two hundred routes, trying each in turn costs more than the rest of the framework. Goes before the routes
    it indexes; what it does not find is left to them (documentation, static files).
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._place(route)

    def _place(self, route: Route) -> None:
        node = self._root
        for segment in route.path.split("/"):
            if "{" not in segment:
                node = node.words.setdefault(segment, _Node())
            elif ":path}" in segment:
                raise ValueError(f"{route.path}: a parameter that spans segments cannot be indexed")
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
        node.routes.append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return how a request matches the routes of its path, words before parameters."""
        if scope["type"] != "http":
            return Match.NONE, {}
        partial: tuple[Match, Scope] = Match.NONE, {}
        for route in _found(self._root, scope["path"].split("/"), 0):
            match, child = route.matches(scope)
            if match is Match.FULL:
                return match, {**child, _CHOSEN: route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**child, _CHOSEN: route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route that was found answer."""
        route: Route = scope[_CHOSEN]
        await route.handle(scope, receive, send)


class IndexedRoutes:
    """Lets a route that answers for itself be served at once, past the framework's layers that would do nothing.

    Such a route ends in an answer whatever happens in it (``answers_for_itself``). The others, wrong methods and
    unknown paths go on to the router.
    """

    def __init__(self, app: ASGIApp, index: RouteIndex) -> None:
        self._app, self._index = app, index

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        match, child = self._index.matches(scope)
        if match is Match.FULL and getattr(child[_CHOSEN], "answers_for_itself", False):
            scope.update(child)
            await child[_CHOSEN].app(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _found(node: _Node, segments: Sequence[str], depth: int) -> Iterator[Route]:
    if depth == len(segments):
        yield from node.routes
        return
    word = node.words.get(segments[depth])
    if word is not None:
        yield from _found(word, segments, depth + 1)
    if node.parameter is not None:
        yield from _found(node.parameter, segments, depth + 1)
