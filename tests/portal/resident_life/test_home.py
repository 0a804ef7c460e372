"""The home: what the house says in words, what is done at once, and what is asked about once more."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.portal.resident_life import rooms
from app.portal.resident_life.texts import WORDS
from community.home_commands.service.reaching import install_ways
from community.homes.models import Home
from tests.community.home_commands.conftest import Hub, stands
from tests.factories import community_homes as homes
from tests.factories import identity
from tests.portal import hostile
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit
from tests.portal.resident_life.conftest import Life, Opening, account_of, language_of

EN = WORDS["en"]
PAGE = "/me/home"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Let homes be reached over a hub of our own."""
    found = Hub()

    async def find(_connection: AsyncConnection, home_ids: Any) -> dict[Any, Any]:
        return dict.fromkeys(home_ids, found)

    previous = install_ways([find])
    yield found
    install_ways(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def house(life: Life, hub: Hub) -> dict[str, Any]:
    """Insert a home with a lock, a lamp, a window and a thermometer."""
    home = await homes.home(life.resident, state="active")
    kitchen = await homes.room(home, name="Kitchen")
    hall = await homes.device(home, name="Front door")
    other = await homes.device(home, room=kitchen, name="Thing")
    config = {"command_topic": "x/set", "state_topic": "x/state"}
    found: dict[str, Any] = {
        "home": home,
        "lock": await homes.entity(hall, "lock", role="lock", config=config, name="Front door"),
        "lamp": await homes.entity(other, "light", role="light", config=config, name="Lamp"),
        "window": await homes.entity(other, "binary_sensor", role="window", config=config, name="Window"),
        "smoke": await homes.entity(other, "binary_sensor", role="smoke", config=config, name="Smoke"),
        "warmth": await homes.entity(other, "sensor", role="temperature", unit="°C", config=config, name="Warmth"),
    }
    await stands(found["lock"], "locked", is_available=True)
    await stands(found["lamp"], "on", is_available=True)
    await stands(found["window"], "off", is_available=True)
    await stands(found["smoke"], "off", is_available=True)
    await stands(found["warmth"], "21.5", number=21.5, is_available=True)
    return found


def _forms(page: httpx.Response) -> list[str]:
    return [str(given.get("action")) for tag, given in Elements(page.text).found if tag == "form"]


async def test_the_house_says_how_it_stands(house: Mapping[str, Any], browser: httpx.AsyncClient) -> None:
    page = await browser.get(PAGE)
    for said in ("all_shut", "one_on", "lock_locked", "light_on", "hazard_off"):
        assert EN[said] in page.text, said
    assert "21.5" in page.text
    await stands(house["window"], "on", is_available=True)
    await stands(house["smoke"], "on", is_available=True)
    await stands(house["warmth"], "21.5", number=21.5, is_available=False)
    page = await browser.get(f"{PAGE}/part")
    for said in ("one_open", "hazard_on", "unheard"):
        assert EN[said] in page.text, said
    assert "21.5" not in page.text, "what cannot be reached is not passed off as what is so"


async def test_a_lamp_goes_out_at_once(house: Mapping[str, Any], browser: httpx.AsyncClient) -> None:
    done = await submit(browser, PAGE, f"{PAGE}/things/{house['lamp'].id}")
    assert done.headers["location"] == f"{PAGE}?done=house_asked"


async def test_a_door_is_opened_by_who_says_so_twice(house: Mapping[str, Any], browser: httpx.AsyncClient) -> None:
    asked = await submit(browser, PAGE, f"{PAGE}/things/{house['lock'].id}")
    where = asked.headers["location"]
    assert where.startswith(f"{PAGE}/commands/")
    page = await browser.get(where)
    assert EN["asks_unlock"] in page.text
    assert EN["yes_mean_it"] in page.text
    assert (await submit(browser, where, where)).headers["location"] == where
    page = await browser.get(where)
    assert EN["command_queued"] in page.text
    assert EN["yes_mean_it"] not in page.text


async def test_who_says_so_too_late_is_told_that_nothing_was_done(
    house: Mapping[str, Any], browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    where = (await submit(browser, PAGE, f"{PAGE}/things/{house['lock'].id}")).headers["location"]
    page = await browser.get(where)
    clock.advance(timedelta(minutes=2))
    late = await browser.post(where, data=form_on(page, where))
    assert late.status_code == 409
    assert EN["trouble_home_command_not_open"] in late.text


async def test_who_signed_in_long_ago_signs_in_again_before_a_door_opens(
    house: Mapping[str, Any], browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    clock.advance(timedelta(hours=3))
    where = (await submit(browser, PAGE, f"{PAGE}/things/{house['lock'].id}")).headers["location"]
    refused = await submit(browser, where, where)
    assert refused.status_code in (403, 409)
    assert EN["trouble_fresh_sign_in_needed"] in refused.text
    assert "/portal/sign-in?next=/me/home" in refused.text


async def test_a_house_that_is_silent_says_so_and_does_nothing(
    house: Mapping[str, Any], browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        home = await session.get_one(Home, house["home"].id)
        home.silent_since = clock.now()
    page = await browser.get(PAGE)
    assert "The house has not been heard of" in page.text
    where = (await submit(browser, PAGE, f"{PAGE}/things/{house['lamp'].id}")).headers["location"]
    shown = await browser.get(where)
    assert EN["command_failed"] in shown.text
    assert EN["why_home_silent"] in shown.text


async def test_what_is_no_command_of_these_pages_is_refused(
    house: Mapping[str, Any], browser: httpx.AsyncClient
) -> None:
    answer = await submit(browser, PAGE, f"{PAGE}/things/{house['lamp'].id}", command="self_destruct")
    assert answer.status_code == 422


async def test_a_home_is_shown_to_who_lives_there_alone(
    life: Life, house: Mapping[str, Any], browser: httpx.AsyncClient, open_browser: Opening
) -> None:
    neighbour = await identity.resident(life.place, phone="+8613800000066")
    other = await open_browser(await account_of(neighbour))
    page = await other.get(PAGE)
    assert EN["no_home_here"] in page.text
    fields = form_on(await other.get("/me/messages"), "/me/messages") | {"command": "turn_off"}
    assert (await other.post(f"{PAGE}/things/{house['lamp'].id}", data=fields)).status_code == 404
    assert (await other.post(f"{PAGE}/things/{house['lamp'].id}", data=fields | {"csrf": ""})).status_code == 403


async def test_rooms_are_shown_in_both_languages_whatever_they_are_called(
    life: Life, house: Mapping[str, Any], browser: httpx.AsyncClient
) -> None:
    for name in hostile.NAMES:
        await homes.room(house["home"], name=name[:60])
        device = await homes.device(house["home"], name=name[:60])
        entity = await homes.entity(device, "light", config={"command_topic": "x"}, name=name[:60])
        await stands(entity, "on", is_available=True)
    page = await browser.get(PAGE)
    assert hostile.harmless(page.text)
    assert len(page.content) < 100_000
    await language_of(life, "zh-CN")
    assert WORDS["zh-CN"]["all_shut"] in (await browser.get(PAGE)).text


def _entity(component: str, **values: Any) -> dict[str, Any]:
    given = {"id": "e", "role": None, "device_class": None, "given_name": None, "name": "X", "unit": None}
    return {"component": component, **given, **values}


@pytest.mark.parametrize(
    ("entity", "state", "stands_as", "acts"),
    [
        (_entity("lock"), "unlocked", "lock_unlocked", ["lock"]),
        (_entity("lock"), "jammed", "lock_jammed", ["lock", "unlock"]),
        (_entity("cover"), "closed", "cover_closed", ["open"]),
        (_entity("valve"), "open", "cover_open", ["close"]),
        (_entity("cover"), "opening", "cover_moving", ["close", "open"]),
        (_entity("switch"), "off", "switch_off", ["turn_on"]),
        (_entity("light"), "unavailable", "unheard", ["turn_off", "turn_on"]),
        (_entity("binary_sensor", device_class="window"), "on", "opening_on", []),
        (_entity("binary_sensor", role="gas"), "on", "hazard_on", []),
    ],
)
def test_a_thing_stands_in_words_and_offers_what_changes_it(
    entity: dict[str, Any], state: str, stands_as: str, acts: list[str]
) -> None:
    found = rooms.thing_of(
        entity, {"given_name": None, "name": "D"}, {"state": state, "number": None, "attributes": {}, "is_available": 1}
    )
    assert found is not None
    assert (found.stands, [one.command for one in found.acts]) == (stands_as, acts)


def test_a_heating_is_made_warmer_by_a_degree() -> None:
    state = {"state": "heat", "number": None, "attributes": {"temperature": "20", "current_temperature": 19}}
    found = rooms.thing_of(_entity("climate"), {"given_name": None, "name": "D"}, state | {"is_available": True})
    assert found is not None
    assert [(one.says, one.temperature) for one in found.acts] == [("warmer", 21.0), ("cooler", 19.0)]
    assert (found.number, found.target) == (19.0, 20.0)


def test_what_says_nothing_to_who_lives_there_is_left_out() -> None:
    for entity in (_entity("sensor", device_class="power"), _entity("button"), _entity("binary_sensor", role="motion")):
        assert rooms.kind_of(entity) is None
