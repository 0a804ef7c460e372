"""A panel on a wall: only what the resident wants is on it, and what is pressed counts once, and only now."""

from datetime import timedelta
from typing import Any

import pytest

from app.broker import api as broker
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from community.home_panels import jobs, service
from community.home_panels.schemas import Ahead
from community.homes.models import Home
from tests.community.home_panels.conftest import Scene, pressed
from tests.factories import community_homes as homes


async def test_a_panel_shows_buttons_and_alarms_unless_more_is_wanted(scene: Scene) -> None:
    assert await scene.ask("GET", expect=404)
    shown = await scene.ask("PUT", {})
    assert (shown["shows"], shown["state"]) == (["sos", "fine", "alarm"], "shown")
    shown = await scene.ask("PUT", {"shows": ["sos", "next_dose"]})
    assert shown["shows"] == ["sos", "next_dose"]
    assert (await scene.ask("GET"))["shows"] == ["sos", "next_dose"]


async def test_nobody_else_agrees_to_what_the_wall_tells_of_a_resident(scene: Scene) -> None:
    problem = await scene.ask("PUT", {"shows": ["next_dose"]}, by=scene.managing, expect=403)
    assert problem["code"] == "home_panel_only_their_own"
    await scene.ask("PUT", {}, by=scene.stranger, expect=404)
    await scene.ask("PUT", {"shows": ["sos", "next_dose"]})
    assert (await scene.ask("PUT", {"shows": ["sos"]}, by=scene.managing))["shows"] == ["sos"]
    await scene.ask("DELETE", by=scene.managing, expect=204)


async def test_a_panel_hangs_where_the_resident_lives(scene: Scene) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Home, scene.home.id)).state = "waiting"
    problem = await scene.ask("PUT", {}, expect=409)
    assert problem["home_state"] == "waiting"


async def test_a_press_counts_once_and_again_when_it_is_pressed_again(scene: Scene, clock: ManualClock) -> None:
    await scene.ask("PUT", {})
    await scene.presses("sos", times=3)
    assert await pressed() == ["sos"]
    await scene.presses("sos", is_repeated=True)
    clock.advance(timedelta(seconds=5))
    await scene.presses("sos", is_repeated=True)
    assert await pressed() == ["sos"]
    await scene.presses("sos")
    await scene.presses("fine")
    assert await pressed() == ["sos", "sos", "fine"]


async def test_a_first_delivery_that_says_it_is_a_repetition_counts(scene: Scene) -> None:
    await scene.ask("PUT", {})
    await scene.presses("sos", is_repeated=True)  # the gateway that heard it first died before it was stored
    assert await pressed() == ["sos"]


async def test_a_call_for_help_counts_although_the_clock_went_back(scene: Scene, clock: ManualClock) -> None:
    await scene.ask("PUT", {})
    await scene.presses("sos")
    clock.set(clock.now() - timedelta(minutes=10))  # another gateway's, which was wrong until now
    await scene.presses("sos")
    assert await pressed() == ["sos", "sos"]


async def test_what_a_broker_kept_is_no_press_and_neither_is_any_other_word(scene: Scene) -> None:
    await scene.ask("PUT", {})
    await scene.presses("sos", is_retained=True)
    await scene.presses("sos", payload=b"")
    await scene.hears("hearthline/aaaaaaaaaaaaaaaa/sos/press")
    assert await pressed() == []


async def test_a_panel_is_pressed_only_in_its_own_home(scene: Scene) -> None:
    await scene.ask("PUT", {})
    other = await homes.home(scene.grace)
    await scene.presses("sos", key=other.key)
    assert await pressed() == []


async def test_a_home_that_is_closed_presses_nothing(scene: Scene, clock: ManualClock) -> None:
    await scene.ask("PUT", {})
    async with unit_of_work() as session:
        home = await session.get_one(Home, scene.home.id)
        home.state, home.closed_at = "closed", clock.now()
    await scene.presses("sos")
    assert await pressed() == []


async def test_a_call_for_help_counts_although_the_button_was_to_be_gone(scene: Scene) -> None:
    await scene.ask("PUT", {"shows": ["alarm"]})
    await scene.presses("fine")
    await scene.presses("sos")
    assert await pressed() == ["sos"]


async def test_what_has_not_changed_is_not_told_again(scene: Scene) -> None:
    await scene.ask("PUT", {})
    await _show(scene, Ahead(alarm=True))
    version = (await scene.panel()).wanted_version
    await _show(scene, Ahead(alarm=True))
    row = await scene.panel()
    assert (row.wanted_version, row.wanted) == (version, {"alarm": "ON"})


async def test_a_panel_asks_what_is_next_when_what_it_shows_is_over(scene: Scene, clock: ManualClock) -> None:
    await scene.ask("PUT", {"shows": ["next_visit"]})
    at = clock.now() + timedelta(minutes=50)
    await _show(scene, Ahead(visit=at))
    assert (await scene.panel()).look_at == at
    assert await jobs.renew() == 0
    clock.set(at)
    assert await jobs.renew() == 1
    assert (await scene.panel()).look_at is None


async def test_a_home_where_somebody_no_longer_agrees_shows_nothing(scene: Scene, clock: ManualClock) -> None:
    await scene.ask("PUT", {})
    await _show(scene, Ahead(alarm=True))
    assert await jobs.clear() == 0
    async with unit_of_work() as session:
        (await session.get_one(Home, scene.home.id)).state = "waiting"
    assert await jobs.clear() == 1
    row = await scene.panel()
    assert (row.state, row.wanted) == ("leaving", {})
    async with unit_of_work() as session:
        (sheet,) = await service.take_up(session, [row.id])
    assert {payload for _, payload in sheet.messages} == {b""}
    assert any(topic.endswith("/config") for topic, _ in sheet.messages)


async def test_what_changes_while_it_is_published_is_published_next(scene: Scene) -> None:
    await scene.ask("PUT", {})
    row = await scene.panel()
    async with unit_of_work() as session:
        (sheet,) = await service.take_up(session, [row.id])
    await _show(scene, Ahead(alarm=True))
    async with unit_of_work() as session:
        await service.published(session, {sheet.panel_id: sheet})
    row = await scene.panel()
    assert row.published_version < row.wanted_version
    assert row.publish_at is not None


async def test_what_may_have_arrived_is_published_again(
    scene: Scene, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _Hub:
        """A broker whose line breaks in the middle of a word, once."""

        def __init__(self) -> None:
            self.kept: dict[str, bytes] = {}
            self.breaks = 1

        async def publish(self, topic: str, payload: bytes, **how: Any) -> None:
            assert how == {"qos": 1, "retain": True}
            self.kept[topic] = payload
            if self.breaks and len(self.kept) == 2:
                self.breaks -= 1
                raise broker.Unconfirmed

    hub = _Hub()
    monkeypatch.setattr(broker, "publisher", lambda: hub)
    await scene.ask("PUT", {})
    assert await jobs.publish() == 0
    assert (await scene.panel()).publish_at is not None
    clock.advance(jobs.PATIENCE * 6)
    assert await jobs.publish() == 1
    assert (await scene.panel()).publish_at is None
    assert len(hub.kept) > 2


async def test_a_hub_that_starts_anew_is_told_of_the_panel_again(scene: Scene) -> None:
    await scene.ask("PUT", {})
    row = await scene.panel()
    async with unit_of_work() as session:
        (sheet,) = await service.take_up(session, [row.id])
        await service.published(session, {sheet.panel_id: sheet})
    assert (await scene.panel()).is_announced
    await scene.hears("homeassistant/status", b"offline")
    assert (await scene.panel()).is_announced
    await scene.hears("homeassistant/status", b"online")
    row = await scene.panel()
    assert not row.is_announced
    assert row.publish_at is not None


async def _show(scene: Scene, ahead: Ahead) -> None:
    async with unit_of_work() as session:
        await service.show(session, {scene.grace.id: ahead, clocks.new_id(): ahead})
