"""The resident's own home: what the house says, having it do something, and being asked twice before a door opens."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life import rooms as house
from app.portal.resident_life.residing import answered, of_resident, page, words_for

router = pages_router("/me/home")

_MOST: Final = 100
_MANY: Final = 500
_WAITS: Final = "awaiting_confirmation"
_SAFE_TO_SHOW: Final = frozenset({"home_silent", "home_closed", "unavailable", "entity_removed"})
_COMMANDS: Final = frozenset({"turn_on", "turn_off", "lock", "unlock", "open", "close", "set_temperature"})
Json = Mapping[str, Any]


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_home(visit: Residing) -> Response:
    """Show what the house says."""
    return await _home_page(visit)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_home_part(visit: Residing) -> Response:
    """Show what the house says alone, for a page that is open."""
    return page(visit, "home_part.html", homes=await _homes(visit))


async def _home_page(visit: Visit, trouble: Trouble | None = None) -> Response:
    return page(visit, "home.html", trouble, homes=await _homes(visit))


async def _homes(visit: Visit) -> list[dict[str, Any]]:
    found = await visit.api.pages(of_resident(visit, "homes"), _MOST)
    return list(await asyncio.gather(*(_home(visit, one) for one in found if one["state"] != "closed")))


async def _home(visit: Visit, home: Json) -> dict[str, Any]:
    path = f"/v1/homes/{home['id']}"
    rooms, devices, entities, states, scenes, incidents = await asyncio.gather(
        _all(visit, f"{path}/rooms"),
        visit.api.pages(f"{path}/devices", _MANY),
        visit.api.pages(f"{path}/entities", _MANY),
        _all(visit, f"{path}/states"),
        visit.api.pages(f"{path}/scenes", _MOST),
        visit.api.pages(f"{path}/incidents", _MOST, state="open"),
    )
    known = house.rooms_of(rooms, devices, entities, states)
    return {
        "home": home,
        "rooms": known,
        "sum": house.summary(known),
        "scenes": scenes,
        "incidents": incidents,
        "where": house.places(rooms, devices, entities),
    }


async def _all(visit: Visit, path: str) -> list[Any]:
    answer = await visit.api.get(path)
    return list(answer["items"])


@router.post("/things/{entity_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def give_command(visit: Residing, form: Posted, entity_id: uuid.UUID) -> Response:
    """Have a thing of the home do something: at once, or once the resident says so again."""
    command = form.text("command", 40)
    if command not in _COMMANDS:
        raise Refused(422, {"code": "malformed", "status": 422})
    body: dict[str, Any] = {"command": command}
    temperature = form.decimal("temperature")
    if temperature is not None:
        body["arguments"] = {"temperature": temperature}
    given, trouble = await answered(
        visit, visit.api.post(f"/v1/home-entities/{entity_id}/commands", body, key=form.key)
    )
    if trouble is not None:
        if (
            trouble.refusal.code == "malformed"
        ):  # a lock that is opened by a code alone, a heating that is as warm as it gets
            trouble = replace(trouble, said=words_for(visit)["why_other"])
        return await _home_page(visit, trouble)
    if given["state"] in (_WAITS, "failed"):
        return again(f"/me/home/commands/{given['id']}")
    return again("/me/home", "house_asked")


@router.get("/commands/{command_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_command(visit: Residing, command_id: uuid.UUID) -> Response:
    """Ask once more before something riskier is done, or say what became of it."""
    return await _command_page(visit, command_id)


@router.get("/commands/{command_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_command_part(visit: Residing, command_id: uuid.UUID) -> Response:
    """Say what became of a command alone, for a page that is open."""
    return page(visit, "command_part.html", **await _command(visit, command_id))


async def _command(visit: Visit, command_id: uuid.UUID) -> dict[str, Any]:
    command = await visit.api.get(f"/v1/home-commands/{command_id}")
    path = f"/v1/homes/{command['home_id']}"
    devices, entities = await asyncio.gather(
        unless_hidden(visit.api.pages(f"{path}/devices", _MANY)),
        unless_hidden(visit.api.pages(f"{path}/entities", _MANY)),
    )
    words = words_for(visit)
    known = {one["id"]: one for one in devices or []}
    entity = next((one for one in entities or [] if one["id"] == command["entity_id"]), None)
    device = known.get(entity["device_id"], {}) if entity else {}
    reason = command["reason"] if command["reason"] in _SAFE_TO_SHOW else "other"
    act = command["command"] if command["command"] in _COMMANDS else "other"
    return {
        "command": command,
        "name": house.name_of(entity, device) if entity else None,
        "waits": command["state"] == _WAITS,
        "asks": words[f"asks_{act}"],
        "why": words[f"why_{reason}"],
    }


async def _command_page(visit: Visit, command_id: uuid.UUID, trouble: Trouble | None = None) -> Response:
    return page(visit, "command.html", trouble, **await _command(visit, command_id))


@router.post("/commands/{command_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def confirm_command(visit: Residing, form: Posted, command_id: uuid.UUID) -> Response:
    """Say once more that it is meant."""
    _, trouble = await answered(visit, visit.api.post(f"/v1/home-commands/{command_id}/confirmation", key=form.key))
    if trouble is not None:
        return await _command_page(visit, command_id, trouble)
    return again(f"/me/home/commands/{command_id}")


@router.post("/scenes/{scene_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def activate_scene(visit: Residing, form: Posted, scene_id: uuid.UUID) -> Response:
    """Have the home do several things at once; what of it opens something is asked about."""
    done, trouble = await answered(visit, visit.api.post(f"/v1/home-scenes/{scene_id}/activation", key=form.key))
    if trouble is not None:
        return await _home_page(visit, trouble)
    waiting = [one for one in done["outcomes"] if one["state"] == _WAITS]
    if waiting:
        return again(f"/me/home/commands/{waiting[0]['command_id']}")
    went = sum(one["problem"] is None and one["state"] != "failed" for one in done["outcomes"])
    return again("/me/home", "house_asked" if went == len(done["outcomes"]) else "house_asked_partly")
