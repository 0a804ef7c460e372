"""A connected home in its people's hands: handed out with all it noticed, and erased with whose it is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa

from app import assembly
from app.core import clock as clocks
from app.core import privacy
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.sealing import seal
from app.core.tables import table_of
from app.identity.models import Account, Community, Resident
from community.home_commands.models import HomeCommand
from community.home_devices.models import HomeEntity
from community.home_hubs.models import HUB_TOKEN, HUB_URL, HomeHub
from community.home_panels import service as panels
from community.home_panels.models import HomePanel
from community.home_states.models import HomeReading, HomeState, HomeStatistic
from community.homes.models import HUB_CHECK, HUB_KEY, Home, HomeResident
from eldercare.response import service as response
from tests.factories import community_home_care as watching
from tests.factories import community_homes as homes
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_home_watch as signs
from tests.factories import identity as make
from tests.factories.sign_in import sign_in, sign_in_resident

assembly.load_tables()

TOKEN: Final = "a-token-of-the-hub"
OWN: Final = {
    "community_home",
    "community_home_automation",
    "community_home_care",
    "community_home_command",
    "community_home_device",
    "community_home_entity",
    "community_home_hub",
    "community_home_incident",
    "community_home_panel",
    "community_home_reading",
    "community_home_resident",
    "community_home_room",
    "community_home_scene",
    "community_home_state",
    "community_home_statistic",
    "eldercare_home_silence",
    "eldercare_home_sign",
}


@dataclass
class Flat:
    """Two who share a connected home, whose holder is the first, and a daughter who may operate it."""

    client: httpx.AsyncClient
    place: Community
    grace: Resident
    ada: Resident
    daughter: Account
    home: Home
    lamp: HomeEntity

    async def ask(self, headers: dict[str, str], method: str, path: str, body: Any = None, expect: int = 201) -> Any:
        """Ask the API for something."""
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None


async def insert(*rows: Any) -> None:
    async with unit_of_work() as session:
        session.add_all(rows)


async def noticed(flat: Flat, lamp: HomeEntity) -> None:
    """Let the home have noticed things, and be asked over a line of its own."""
    now = clocks.now()
    of: dict[str, Any] = {"home_id": flat.home.id, "resident_id": flat.grace.id}
    numbers = dict.fromkeys(("mean", "minimum", "maximum"), 21.5)
    await insert(
        HomeState(entity_id=lamp.id, state="on", changed_at=now, reported_at=now, **of),
        HomeReading(id=clocks.new_id(), entity_id=lamp.id, state="on", at=now, **of),
        HomeStatistic(entity_id=lamp.id, resident_id=flat.grace.id, period="hour", starts_at=now, count=1, **numbers),
        HomeHub(
            community_id=flat.place.id,
            url=seal("https://hub.example.org", HUB_URL),
            host="hub.example.org",
            token=seal(TOKEN, HUB_TOKEN),
            **of,
        ),
    )
    leak = await watching.entity(flat.home, "water", name="Leak")
    await watching.watched(flat.home)
    await watching.report(watching.change(leak, "on"))
    await signs.noticed(signs.notice(flat.grace, "cold", "low"))
    await check_ins.silent(flat.grace, at=now)


@pytest.fixture
async def flat(client: httpx.AsyncClient, clock: ManualClock) -> Flat:
    """Return a home that has all a home can have."""
    place = await make.community()
    shared = await make.household(place)
    grace = await make.resident(place, name="Grace", home=shared)
    ada = await make.resident(place, name="Ada", home=shared)
    daughter = await make.account(place, name="Daughter")
    await make.grant(grace, daughter, ["home:control", "home:read"])
    secrets = {"secret": seal("s", HUB_KEY), "password_line": seal("p", HUB_CHECK), "secret_at": clock.now()}
    home = await homes.home(grace, others=(ada,), name="Lakeside", state="active", building="7", **secrets)
    kitchen = await homes.room(home, name="Pantry")
    device = await homes.device(home, room=kitchen, name="Bedside lamp")
    config = {"command_topic": "lamp/set", "state_topic": "lamp/state"}
    lamp = await homes.entity(device, "light", name="Lamp", config=config)
    flat = Flat(client, place, grace, ada, daughter, home, lamp)
    await noticed(flat, lamp)
    await check_ins.plan(grace, passive_before="PT2H", passive_wait="PT1H")
    own, theirs = await sign_in_resident(grace), await sign_in_resident(ada)
    path = f"/homes/{home.id}"
    told = {"entity_id": str(lamp.id), "command": "turn_on", "arguments": {}}
    await flat.ask(own, "POST", f"{path}/scenes", {"name": "Evening", "commands": [told]})
    trigger = {"kind": "state", "entity_id": str(lamp.id), "to": "on"}
    definition = {"triggers": [trigger], "actions": [{"kind": "command"} | told]}
    await flat.ask(own, "POST", f"{path}/automations", {"name": "Welcome", "definition": definition})
    await flat.ask(await sign_in(daughter), "POST", f"/home-entities/{lamp.id}/commands", {"command": "turn_on"})
    for resident, headers in ((grace, own), (ada, theirs)):
        await flat.ask(headers, "PUT", f"/residents/{resident.id}{path}/panel", {"shows": ["sos", "alarm"]}, 200)
    return flat


async def held(*subjects: Resident | Account) -> dict[str, list[privacy.Row]]:
    """Return what is held about people, of homes."""
    ids = [one.id for one in subjects] + [one.account_id for one in subjects if isinstance(one, Resident)]
    async with reading() as connection:
        found = await privacy.export_subject(connection, ids)
    return {name: rows for name, rows in found.items() if "_home_" in f"{name}_"}


async def rows_of(model: Any) -> list[Any]:
    async with reading() as connection:
        return list(await connection.execute(sa.select(table_of(model)).order_by(table_of(model).c.id)))


async def test_whose_home_it_is_is_handed_all_it_noticed_in_words_and_no_secret(flat: Flat) -> None:
    answer = await flat.client.get("/v1/me/export", headers=await sign_in_resident(flat.grace))
    tables = answer.json()["tables"]
    assert OWN - set(tables) == set()
    assert [row["name"] for row in tables["community_home"]["rows"]] == ["Lakeside"]
    assert [row["name"] for row in tables["community_home_room"]["rows"]] == ["Pantry"]
    assert "Bedside lamp" in [row["name"] for row in tables["community_home_device"]["rows"]]
    assert [row["state"] for row in tables["community_home_reading"]["rows"]] == ["on"]
    assert [row["given_by"] for row in tables["community_home_command"]["rows"]] == [str(flat.daughter.id)]
    assert {row["kind"] for row in tables["community_home_incident"]["rows"]} == {"water"}
    assert [row["passive_wait"] for row in tables["eldercare_check_in_schedule"]["rows"]] == ["PT1H"]
    (hub,) = tables["community_home_hub"]["rows"]
    assert (hub["host"], "token" in hub, "url" in hub) == ("hub.example.org", False, False)
    assert not {"secret", "password_line", "key"} & set(tables["community_home"]["rows"][0])
    assert TOKEN not in answer.text


async def test_who_lives_there_is_handed_what_is_theirs_and_nothing_of_the_others(flat: Flat) -> None:
    tables = (await flat.client.get("/v1/me/export", headers=await sign_in_resident(flat.ada))).json()["tables"]
    assert {name for name in tables if "_home_" in f"{name}_"} == {"community_home_resident", "community_home_panel"}
    assert [row["resident_id"] for row in tables["community_home_resident"]["rows"]] == [str(flat.ada.id)]


async def test_who_is_erased_leaves_a_closed_home_without_a_name_until_its_hub_is_locked_out(
    flat: Flat, clock: ManualClock
) -> None:
    own = await sign_in_resident(flat.grace)
    await settle(assembly.JOBS)
    await flat.ask(own, "DELETE", "/me", expect=409)  # somebody is called because of the water
    await helped(flat)
    await flat.ask(own, "DELETE", "/me", expect=204)
    assert set(await held(flat.grace)) == {"community_home", "community_home_panel"}
    (home,) = await rows_of(Home)
    assert (home.state, home.name, home.building, home.household_id, home.refused) == ("closed", "", None, None, {})
    assert (home.secret, home.password_line, home.set_up_by) == (None, None, None)
    assert home.provision_at == clock.now()
    (panel,) = [row for row in await rows_of(HomePanel) if row.resident_id == flat.grace.id]
    assert (panel.state, panel.shows, panel.wanted, panel.publish_at) == ("leaving", [], {}, clock.now())
    await _take_panels_off()
    # Of the other's home nothing is shown any more, either: it is closed.
    await settle(assembly.JOBS)
    await _take_panels_off()
    assert [(row.resident_id, row.state) for row in await rows_of(HomePanel)] == [(flat.ada.id, "gone")]
    clock.advance(timedelta(days=30, hours=1))
    await settle(assembly.JOBS)
    assert await rows_of(Home) == []
    assert await held(flat.grace, flat.ada) == {}


async def test_who_lived_in_the_home_of_another_leaves_nothing_there(flat: Flat, clock: ManualClock) -> None:
    await flat.ask(await sign_in_resident(flat.ada), "DELETE", "/me", expect=204)
    assert set(await held(flat.ada)) == {"community_home_panel"}
    await _take_panels_off()
    assert await held(flat.ada) == {}
    assert [row.resident_id for row in await rows_of(HomeResident)] == [flat.grace.id]
    await settle(assembly.JOBS)
    (home,) = await rows_of(Home)
    assert (home.state, home.name) == ("active", "Lakeside")
    assert [row.resident_id for row in await rows_of(HomeResident)] == [flat.grace.id]


async def test_who_gave_a_command_takes_it_along(flat: Flat) -> None:
    assert [row.given_by for row in await rows_of(HomeCommand)] == [flat.daughter.id]
    await flat.ask(await sign_in(flat.daughter), "DELETE", "/me", expect=204)
    assert await rows_of(HomeCommand) == []
    assert (await held(flat.grace))["community_home_device"]


async def helped(flat: Flat) -> None:
    """Let somebody have seen to what the home called for."""
    actor = check_ins.self_actor(flat.grace)
    async with unit_of_work() as session:
        for alarm_id in list(await session.scalars(sa.text("SELECT id FROM eldercare_alarm ORDER BY id"))):
            await response.acknowledge(session, actor, alarm_id)
            await response.resolve(session, actor, alarm_id, outcome="helped", note=None)


async def _take_panels_off() -> None:
    """Let the gateway have published what was due of panels."""
    due = [row.id for row in await rows_of(HomePanel) if row.publish_at is not None]
    async with unit_of_work() as session:
        sheets = await panels.take_up(session, due)
        await panels.published(session, {sheet.panel_id: sheet for sheet in sheets})
