"""The index finds the route that trying all of them in turn would have found."""

from collections.abc import Iterator, Sequence

import pytest
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from app.core.route_index import RouteIndex
from app.main import create_app

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    return [route for route in create_app().routes if isinstance(route, Route) and ":path}" not in route.path]


def _paths(routes: Sequence[Route]) -> Iterator[str]:
    """Yield each path with its parameters filled in, and what lies just beside it."""
    for route in routes:
        filled = "/".join("me" if "{" in segment else segment for segment in route.path.split("/"))
        yield filled
        yield f"{filled}/"
        yield f"{filled}/further"
        yield filled.rsplit("/", 1)[0]
        yield filled.replace("/me", "/00000000-0000-7000-8000-000000000001")
        yield filled.replace("/me", "/", 1)


def _in_turn(routes: Sequence[Route], scope: Scope) -> tuple[Match, BaseRoute | None]:
    partial: Route | None = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return match, route
        if match is Match.PARTIAL and partial is None:
            partial = route
    return (Match.NONE if partial is None else Match.PARTIAL), partial


def _asked(method: str, path: str) -> Scope:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}


def test_the_index_finds_what_trying_in_turn_finds(routes: list[Route]) -> None:
    index = RouteIndex(routes)
    for path in set(_paths(routes)):
        # A path that is none of a route's is none of its by any method.
        there = [route for route in routes if route.path_regex.match(path)]
        for method in METHODS:
            match, child = index.matches(_asked(method, path))
            expected, route = _in_turn(there, _asked(method, path))
            assert (match, child.get("hearthline_route")) == (expected, route), (method, path)
