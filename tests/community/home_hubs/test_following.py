"""A Home Assistant that is asked over its own API: heard like any home, also once a line broke, and told what to do."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.hub_settings import HubSettings
from app.core.settings import Settings, install_settings
from community.home_commands import jobs as command_jobs
from community.home_commands.service.reaching import install_ways
from community.home_hubs import rules
from community.home_hubs.schemas import Asked, HubFailed
from community.home_hubs.service import following, hearing, speaking
from community.home_hubs.service.calling import HubWay, hub_ways
from community.homes.models import HOMES, Home
from tests.community.home_hubs.conftest import SOON, Scene, until
from tests.factories import sign_in


async def test_what_a_hub_has_becomes_the_homes_and_what_changes_is_noticed(scene: Scene) -> None:
    assert (await scene.connect())["state"] == "waiting"
    async with scene.followed():
        door = await scene.stands("Front door", "off")
        assert not door.is_fresh, "it only stood there"
        assert (await scene.stands("Warmth", "20.5")).number == 20.5
        lamp = await scene.stands("Lamp", "on")
        assert lamp.attributes["brightness"] == 128
        found = await scene.entities()
        assert set(found) == {"Front door", "Warmth", "Lamp"}
        assert (found["Front door"].role, found["Front door"].device_name) == ("door", "Door sensor")
        await scene.hub.change("binary_sensor.front_door", "on")
        assert (await scene.stands("Front door", "on")).is_fresh
        shown = await scene.ask("GET")
        assert (shown["state"], shown["software"], shown["error"]) == ("connected", "2026.10.2", None)


async def test_what_could_watch_is_counted_and_not_taken(scene: Scene) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
    async with reading() as connection:
        refused = await connection.scalar(sa.select(HOMES.c.refused))
    assert refused is not None
    assert refused.get("camera")


async def test_what_could_not_be_reached_a_moment_ago_did_not_happen_now(scene: Scene) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Front door", "off")
        await scene.hub.change("binary_sensor.front_door", "unavailable")

        async def gone() -> bool:
            return not (await scene.state("Front door")).is_available

        await until(gone)
        await scene.hub.change("binary_sensor.front_door", "on")
        assert not (await scene.stands("Front door", "on")).is_fresh


async def test_a_line_that_breaks_is_opened_again_and_what_was_missed_is_known_then(scene: Scene) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Front door", "off")
        await scene.hub.hang_up()

        async def failing() -> Any:
            return (await scene.row()).state == "failing"

        await until(failing)
    assert (await scene.ask("GET"))["error"] == "unreachable"
    scene.hub.has("binary_sensor.front_door", "on", friendly_name="Front door", device_class="door")
    del scene.hub.states["light.hall"]
    assert await following.run() == 0, "not before its time"
    scene.clock.advance(rules.FIRST_TRY)
    async with scene.followed():
        assert not (await scene.stands("Front door", "on")).is_fresh, "nobody knows when"

        async def without_lamp() -> bool:
            return set(await scene.entities()) == {"Front door", "Warmth"}

        await until(without_lamp)
    assert scene.hub.let_in == 2


async def _away(scene: Scene) -> None:
    await scene.hub.hang_up()

    async def failing() -> Any:
        return (await scene.row()).state == "failing"

    await until(failing)


async def test_a_hub_that_is_away_leaves_nothing_that_can_be_reached_until_it_is_back(
    scene: Scene, over_the_hub: None
) -> None:
    scene.hub.has("button.bell", "unknown", friendly_name="Bell")
    await scene.connect()
    async with scene.followed():
        assert (await scene.stands("Lamp", "on")).is_available
        await _away(scene)
    for name in ("Front door", "Lamp", "Warmth", "Bell"):
        assert not (await scene.state(name)).is_available
    assert (await scene.state("Lamp")).state == "on", "the last word"
    for name, command in (("Lamp", "turn_off"), ("Bell", "press")):
        failed = await _give(scene, name, command)
        assert (failed["state"], failed["reason"]) == ("failed", "unavailable")
    scene.hub.has("light.hall", "unavailable", friendly_name="Lamp", supported_color_modes=["brightness"])
    scene.clock.advance(rules.FIRST_TRY)
    async with scene.followed():

        async def back() -> bool:
            return bool((await scene.state("Front door")).is_available)

        await until(back)
        assert not (await scene.state("Front door")).is_fresh
        assert not (await scene.state("Lamp")).is_available, "the hub itself says so"
        assert (await _give(scene, "Bell", "press"))["state"] == "queued"


async def test_what_is_on_its_way_to_a_hub_that_is_away_by_then_fails(scene: Scene, over_the_hub: None) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        command = await _give(scene, "Lamp", "turn_off")
        await _away(scene)
    await command_jobs.send()
    found = await _became(scene, command)
    assert (found["state"], found["reason"]) == ("failed", "unavailable")
    assert scene.hub.called == []


async def test_a_gateway_that_hands_over_does_not_say_that_the_hub_is_away(scene: Scene) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
    assert (await scene.state("Lamp")).is_available


async def test_an_entity_that_is_taken_out_is_gone(scene: Scene) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        await scene.hub.remove("light.hall")

        async def without_lamp() -> bool:
            return "Lamp" not in await scene.entities()

        await until(without_lamp)


async def test_what_is_new_is_asked_for_once_it_is_seen(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr("community.home_hubs.service.hearing.REFRESH_SECONDS", 0.05)
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        await scene.hub.change("switch.plug", "on", friendly_name="Plug")
        await scene.stands("Plug", "on")


async def test_a_hub_that_keeps_its_registries_to_itself_is_heard_all_the_same(scene: Scene) -> None:
    scene.hub.refuses_registries = True
    await scene.connect()
    async with scene.followed():
        await scene.stands("Front door", "off")
        assert (await scene.entities())["Front door"].device_name == "Front door"


async def test_a_token_that_is_not_valid_is_not_tried_again_and_again(scene: Scene) -> None:
    await scene.connect(token="another-token-than-the-right-one")
    await following.run()
    shown = await scene.ask("GET")
    assert (shown["state"], shown["error"]) == ("failing", "auth_invalid")
    assert (await scene.row()).next_try_at == clocks.now() + rules.REFUSED_TRY
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")


async def test_a_hub_is_tried_after_ever_longer(scene: Scene) -> None:
    await scene.connect(url="http://127.0.0.1:9")
    waits = []
    for _ in range(4):
        await following.run()
        row = await scene.row()
        assert row.error == "unreachable"
        waits.append(row.next_try_at - clocks.now())
        scene.clock.advance(waits[-1])
    assert all(rules.FIRST_TRY * 2**one / 2 <= wait <= rules.FIRST_TRY * 2**one for one, wait in enumerate(waits))
    assert rules.wait_before(60, "unreachable") <= rules.LAST_TRY
    await scene.ask("POST", "/attempt", expect=202)
    assert (await scene.ask("GET"))["state"] == "waiting"


async def test_what_is_no_home_assistant_is_told_so(scene: Scene) -> None:
    await scene.connect(url=f"{scene.hub.url}/elsewhere")
    await following.run()
    assert (await scene.ask("GET"))["error"] == "not_home_assistant"


async def test_a_hub_is_followed_by_one_gateway_and_by_another_once_that_is_dead(scene: Scene) -> None:
    await scene.connect()
    (first,) = await following._claim(10)
    assert await following._claim(10) == []
    scene.clock.advance(rules.LEASE + timedelta(seconds=1))
    (second,) = await following._claim(10)
    assert (second.id, second.fence) == (first.id, first.fence + 1)
    await following.follow(first)  # wakes up after all, and finds it in other hands
    assert scene.hub.asked.count("get_states") == 0
    assert (await scene.row()).state == "waiting"


async def test_a_gateway_that_stops_leaves_the_hub_to_the_next_at_once(scene: Scene) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
    row = await scene.row()
    assert (row.state, row.lease_until) == ("waiting", None)
    async with scene.followed():
        pass


async def test_a_hub_that_is_disconnected_is_let_go_and_its_token_forgotten(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(rules, "RENEW_EVERY", SOON)
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        await scene.ask("DELETE", expect=204)

        async def let_go() -> bool:
            return not scene.hub._lines

        await until(let_go)

        async def away() -> bool:
            return not (await scene.state("Lamp")).is_available

        await until(away)
    await scene.ask("GET", expect=409)
    assert await scene.row() is None
    assert set(await scene.entities()) == {"Front door", "Warmth", "Lamp"}


async def test_a_home_that_may_not_be_heard_any_more_is_let_go(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(rules, "RENEW_EVERY", SOON)
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        async with unit_of_work() as session:
            (await session.get_one(Home, scene.home.id)).state = "waiting"

        async def let_go() -> Any:
            return (await scene.row()).error == "home_not_active"

        await until(let_go)
    await scene.connect(expect=409)
    scene.clock.advance(rules.LAST_TRY)
    await following.run()
    assert scene.hub.let_in == 1, "nothing is collected of it"


async def test_a_closed_homes_token_is_forgotten(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(rules, "RENEW_EVERY", SOON)
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        async with unit_of_work() as session:
            home = await session.get_one(Home, scene.home.id)
            home.state, home.closed_at = "closed", clocks.now()

        async def forgotten() -> bool:
            return await scene.row() is None

        await until(forgotten)


async def test_a_private_address_is_not_called_unless_that_is_allowed(scene: Scene, test_settings: Settings) -> None:
    await scene.connect()
    install_settings(test_settings.model_copy(update={"hubs": HubSettings()}))
    for url in (scene.hub.url, "https://192.168.1.2:8123", "https://user:secret@example.org", "ftp://example.org"):
        await scene.connect(url=url, expect=409)
    await following.run()
    assert (await scene.row()).error == "address_not_allowed"
    assert scene.hub.let_in == 0


async def test_the_token_is_sealed_and_never_shown(scene: Scene) -> None:
    shown = await scene.connect()
    assert scene.hub.token not in str(shown)
    assert scene.hub.url not in str(shown)
    row = await scene.row()
    assert scene.hub.token not in row.token
    assert scene.hub.url not in row.url


async def test_only_who_manages_the_home_connects_its_hub(scene: Scene) -> None:
    await scene.connect(by=scene.stranger, expect=404)
    await scene.connect(by=scene.daughter, expect=403)
    await scene.ask("GET", by=scene.daughter, expect=403)
    await scene.ask("DELETE", by=scene.stranger, expect=404)
    await scene.ask("GET", expect=409)


@pytest.fixture
def over_the_hub() -> Any:
    """Let homes with such a hub be reached over it."""
    previous = install_ways([hub_ways])
    yield
    install_ways(previous)


async def _give(scene: Scene, name: str, command: str, **more: Any) -> Any:
    entity = (await scene.entities())[name]
    answer = await scene.client.post(
        f"/v1/home-entities/{entity.id}/commands",
        json={"command": command} | more,
        headers=sign_in.access_headers(scene.resident),
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _became(scene: Scene, command: Any) -> Any:
    headers = sign_in.access_headers(scene.resident)
    return (await scene.client.get(f"/v1/home-commands/{command['id']}", headers=headers)).json()


async def test_a_command_is_the_call_of_a_service_and_is_done_once_the_hub_says_so(
    scene: Scene, over_the_hub: None
) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        command = await _give(scene, "Lamp", "turn_off")
        scene.clock.advance(timedelta(seconds=1))
        await command_jobs.send()
        assert scene.hub.called == [("light", "turn_off", {"entity_id": "light.hall"})]
        await scene.stands("Lamp", "off")

        async def done() -> bool:
            return bool((await _became(scene, command))["state"] == "confirmed")

        await until(done)


async def test_a_hub_that_refuses_is_not_asked_again_and_one_that_stumbles_may_have_done_it(
    scene: Scene, over_the_hub: None
) -> None:
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        scene.hub.status = 401
        refused = await _give(scene, "Lamp", "turn_off")
        for _ in range(3):  # a hub bans who keeps trying
            await command_jobs.send()
            scene.clock.advance(timedelta(seconds=2))
        assert len(scene.hub.called) <= 1
        shown = await _became(scene, refused)
        assert (shown["state"], shown["reason"]) == ("failed", "refused")
        for status in (400, 500):  # of a script some may have been done before it came to what it does not know
            scene.hub.status = status
            command = await _give(scene, "Lamp", "turn_off")
            await command_jobs.send()
            assert (await _became(scene, command))["state"] == "uncertain"


async def test_a_hub_that_says_more_than_is_kept_is_let_go(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(speaking, "MOST_WAITING", 100_000)
    line = speaking.Line(None, None)  # type: ignore[arg-type]  # nothing is asked of it
    said = {"type": "event", "event": {"event_type": "state_changed", "data": {}}}
    line.take(said, 60_000)
    assert await line.next_event() == said["event"]
    line.take(said, 60_000)
    with pytest.raises(HubFailed) as failure:
        line.take(said, 60_000)
    assert failure.value.code == "too_slow"


async def test_what_is_not_taken_of_a_hub_has_nothing_taken_anew_when_it_changes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "REFRESH_SECONDS", 0.0)
    await scene.connect()
    async with scene.followed():
        await scene.stands("Lamp", "on")
        for seen in ("recording", "idle"):
            await scene.hub.change("camera.bedroom", seen)
        await scene.hub.change("light.hall", "off")
        await scene.stands("Lamp", "off")
        await scene.hub.change("light.hall", "on")
        await scene.stands("Lamp", "on")
        assert scene.hub.asked.count("get_states") == 1


def test_a_hub_that_never_stops_talking_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "MOST_A_MINUTE", 100_000)
    line = speaking.Line(None, None)  # type: ignore[arg-type]  # nothing is asked of it
    line.count(60_000)
    with pytest.raises(HubFailed) as failure:
        line.count(60_000)  # whatever it is about: it has to be read first
    assert failure.value.code == "too_slow"


def test_a_token_is_in_no_text_of_what_holds_it() -> None:
    home: Any = None
    asked = Asked(clocks.new_id(), "https://example.org/secret-path", "secret-token", home)
    assert "secret" not in f"{asked!r} {HubWay(asked)!r}"
