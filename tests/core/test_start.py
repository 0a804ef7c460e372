"""What a process holds when it has started: nothing that is made only for those who ask for it."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core.clock import new_id
from app.core.routing import Router, UnitOfWorkRoute
from app.identity.models import Community

_START = """
import json, sys
from pydantic._internal._mock_val_ser import MockValSer
from sqlmodel import SQLModel
from app.core.routing import UnitOfWorkRoute
from app.core.tables import Table
from app.main import create_app

routes = [route for route in create_app().routes if isinstance(route, UnitOfWorkRoute)]

def all_below(kind):
    return [kind] + [one for below in kind.__subclasses__() for one in all_below(below)]

print(json.dumps({
    "routes": len(routes),
    "made": [route.path for route in routes if "dependant" in vars(route)],
    "tables": len(all_below(Table)),
    "validated": [
        one.__name__ for one in all_below(Table) if not isinstance(one.__pydantic_validator__, MockValSer)
    ],
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


@pytest.fixture(scope="module")
def started() -> dict[str, Any]:
    """Return what an API process of its own holds, with nothing asked of it."""
    told = subprocess.run([sys.executable, "-c", _START], capture_output=True, check=True, text=True, timeout=300)
    held: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return held


def test_a_process_makes_no_route_that_nobody_asked_for(started: dict[str, Any]) -> None:
    assert started["routes"] > 1000
    assert started["made"] == []


def test_a_process_makes_no_validators_for_rows(started: dict[str, Any]) -> None:
    assert started["tables"] > 200
    assert started["validated"] == []


def test_a_process_does_not_load_what_it_was_not_set_up_for(started: dict[str, Any]) -> None:
    assert {"stripe", "requests", "firebase_admin", "grpc", "boto3"}.isdisjoint(started["modules"])


def _is_made(route: APIRoute) -> bool:
    return "dependant" in vars(route)


def _small() -> tuple[FastAPI, dict[str, UnitOfWorkRoute]]:
    router = Router(tags=["test"])

    @router.get("/words/{word}")
    async def read_word(word: str) -> str:
        return word

    @router.post("/words")
    async def add_word(word: str) -> str:
        return word

    app = FastAPI()
    app.router.routes += router.routes
    return app, {route.name: route for route in router.routes if isinstance(route, UnitOfWorkRoute)}


async def test_a_route_is_made_when_it_is_first_asked_for() -> None:
    app, routes = _small()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert (await http.get("/v1/nothing")).status_code == 404
        assert (await http.delete("/v1/words")).status_code == 405
        assert not any(map(_is_made, routes.values()))
        assert routes["add_word"].body_field is None
    assert [name for name, route in routes.items() if _is_made(route)] == ["add_word"]
    assert routes["read_word"].unique_id == "readWord"


def test_a_route_that_cannot_be_made_says_why_each_time_and_has_no_attributes_of_anybodys_invention() -> None:
    router = Router(tags=["test"])

    @router.get("/broken", status_code=204)
    async def read_broken() -> str:
        return ""

    (broken,) = (route for route in router.routes if isinstance(route, UnitOfWorkRoute))
    for _ in range(2):
        with pytest.raises(AssertionError, match="must not have a response body"):
            _ = broken.dependant
    _, routes = _small()
    with pytest.raises(AttributeError, match="a route has no colour"):
        _ = routes["read_word"].colour


def test_a_row_has_its_defaults_without_a_validator() -> None:
    own = new_id()
    row = Community(id=own, name="Elm", country="DE", time_zone="Europe/Berlin", currency="EUR", languages=["en"])
    assert (row.id, row.version, row.name) == (own, 1, "Elm")
