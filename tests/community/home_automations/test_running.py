"""Automations in a home: what sets them off, what they do, what waits, and what is written down of it."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.identity.api import whereabouts
from app.policies.reactions.home_automations.subscribers import SUBSCRIBERS
from community import api as community
from community.home_automations import jobs
from community.home_automations.models import AUTOMATIONS, MEMORIES, WATCHES
from community.home_automations.rules.limits import SCENES_PER_HOME
from community.home_automations.service import hearing, running
from community.home_care.models import INCIDENTS
from eldercare.events import AlarmRaised
from tests.asking import statements
from tests.community.home_automations.conftest import Scene, given, log, stands, steps, told
from tests.factories import identity


async def test_a_light_goes_on_when_the_door_opens_and_the_log_says_why(scene: Scene) -> None:
    automation = await scene.automate(conditions=[{"kind": "time", "after": "15:00", "before": "18:00"}])
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.lamp.id, "turn_on")]
    (run,) = await scene.runs(automation)
    assert run["state"] == "done"
    assert run["trigger"] == {
        "index": 0,
        "kind": "state",
        "entity_id": str(scene.door.id),
        "from": "off",
        "to": "on",
    }
    assert run["conditions"] == [{"kind": "time", "holds": True, "saw": {"local": "16:00", "weekday": 1}}]
    (action,) = run["actions"]
    assert (action["result"], action["position"]) == ("given", 0)


async def test_a_condition_that_does_not_hold_is_written_down_once_and_counted(scene: Scene) -> None:
    automation = await scene.automate(conditions=[{"kind": "sun", "is": "down"}])
    await scene.says(scene.door, "on", "off", "on", "off", "on")
    assert await given() == []
    (run,) = await scene.runs(automation)
    assert (run["state"], run["times"]) == ("not_met", 3)
    assert run["conditions"][0]["saw"]["elevation"] > 0
    await scene.wait(61)
    await scene.says(scene.door, "off", "on")
    assert await scene.states(automation) == ["not_met", "not_met"]


async def test_homes_without_automations_cost_one_statement(scene: Scene) -> None:
    async with unit_of_work() as session:
        connection = await session.connection()
        async with statements(connection) as asked:  # type: ignore[arg-type]
            await hearing.trigger(session, [scene.change(scene.door, "on")] * 50)
    assert len(asked) <= 1


async def test_what_has_to_hold_is_a_deadline_that_survives_and_is_taken_back(scene: Scene) -> None:
    automation = await scene.automate(trigger=scene.opens(held_for="PT5M"))
    await scene.says(scene.door, "off", "on")
    await scene.wait(3)
    await scene.says(scene.door, "off")
    await scene.wait(5)
    assert await given() == []
    await scene.says(scene.door, "on")
    shown = await scene.ask("GET", f"/home-automations/{automation['id']}")
    assert shown["next_run_at"] is not None
    await scene.wait(6)
    assert await given() == [(scene.lamp.id, "turn_on")]


async def test_a_time_comes_and_is_not_made_up_for_much_too_late(scene: Scene) -> None:
    automation = await scene.automate(trigger={"kind": "time", "at": "16:10"})
    await scene.wait(11)
    assert await given() == [(scene.lamp.id, "turn_on")]
    scene.clock.advance(timedelta(hours=30))  # nobody looked at the clock for longer than a day
    await jobs.run()
    assert await scene.states(automation) == ["done", "too_late"]
    assert len(await given()) == 1
    shown = await scene.ask("GET", f"/home-automations/{automation['id']}")
    assert shown["next_run_at"] == "2026-03-04T08:10:00Z"


async def test_the_sun_sets_at_the_home(scene: Scene) -> None:
    automation = await scene.automate(trigger={"kind": "sun", "event": "sunset", "offset": "-PT10M"})
    assert automation["next_run_at"].startswith("2026-03-02T09:4")
    await scene.wait(120)
    assert await given() == [(scene.lamp.id, "turn_on")]


async def test_a_home_that_is_on_no_map_takes_the_middle_of_its_community_or_says_so(scene: Scene) -> None:
    sunset = {"kind": "sun", "event": "sunset"}
    lost = await identity.community(name="Elsewhere")
    stray = await identity.resident(lost, phone="+8613800000009")
    neighbour = await identity.resident(scene.place, name="Hu", phone="+8613800000008")
    async with reading() as connection:
        found = await whereabouts(connection, [neighbour.id, stray.id])
    assert found == {neighbour.id: (31.23, 121.47)}
    async with unit_of_work() as session:
        resident = await session.get_one(type(scene.grace), scene.grace.id)
        resident.household_id = None
        await session.execute(sa.text("UPDATE identity_household SET latitude = NULL, longitude = NULL"))
    refused = await scene.automate(trigger=sunset, expect=422)
    assert refused["errors"][0]["code"] == "no_location"


async def test_a_delay_survives_a_crash_and_what_comes_after_it_is_done(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    automation = await scene.automate(
        scene.tell(scene.lamp, "turn_on"),
        {"kind": "delay", "lasts": "PT10M"},
        scene.tell(scene.lamp, "turn_off"),
    )
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.lamp.id, "turn_on")]
    assert await scene.states(automation) == ["running"]
    await scene.wait(9)
    assert len(await given()) == 1

    perform = running.perform

    async def die(*given_: Any) -> None:
        await perform(*given_)
        raise ConnectionError("the power went")

    scene.clock.advance(timedelta(minutes=2))
    with monkeypatch.context() as broken:
        broken.setattr(running, "perform", die)
        with pytest.raises(ConnectionError):
            await jobs.go_on()
    assert len(await given()) == 1
    assert await steps() == ["waiting"]
    await jobs.go_on()  # the worker that comes after it
    assert await given() == [(scene.lamp.id, "turn_on"), (scene.lamp.id, "turn_off")]
    assert await steps() == ["done"]
    assert await scene.states(automation) == ["done"]


async def test_a_new_firing_starts_the_wait_anew(scene: Scene) -> None:
    off_later = [
        scene.tell(scene.lamp, "turn_on"),
        {"kind": "delay", "lasts": "PT10M"},
        scene.tell(scene.lamp, "turn_off"),
    ]
    automation = await scene.automate(*off_later)
    await scene.says(scene.door, "off", "on", "off")
    await scene.wait(6)
    await scene.says(scene.door, "on")
    await scene.wait(6)
    assert [command for _, command in await given()] == ["turn_on", "turn_on"]
    await scene.wait(5)
    assert [command for _, command in await given()] == ["turn_on", "turn_on", "turn_off"]
    assert await scene.states(automation) == ["stopped", "done"]


async def test_what_changes_of_an_automation_does_not_change_what_it_had_begun(scene: Scene) -> None:
    automation = await scene.automate(
        scene.tell(scene.lamp, "turn_on"), {"kind": "delay", "lasts": "PT10M"}, scene.tell(scene.lamp, "turn_off")
    )
    await scene.says(scene.door, "off", "on")
    changed = {"triggers": [scene.opens()], "actions": [scene.tell(scene.stove, "turn_off")]}
    body = {"name": "Other", "definition": changed}
    await scene.ask("PUT", f"/home-automations/{automation['id']}", body)
    await scene.wait(11)
    assert [command for _, command in await given()] == ["turn_on", "turn_off"]


async def test_people_are_told_who_may_still_know_and_the_phone_says_no_names(scene: Scene) -> None:
    notice = {"kind": "notice", "text": "door", "to_resident": True, "account_ids": [str(scene.ann.id)]}
    await scene.automate(notice)
    await scene.says(scene.door, "off", "on")
    assert set(await told("community.home_automation_told")) == {scene.ann.id, scene.grace.account_id}
    async with unit_of_work() as session:
        grant = await session.get_one(type(scene.grant), scene.grant.id)
        grant.revoked_at = clocks.now()
    await scene.says(scene.door, "off", "on")
    assert (await told("community.home_automation_told")).count(scene.ann.id) == 1


async def test_an_alarm_is_raised_only_if_the_resident_agreed_and_each_time_anew(scene: Scene) -> None:
    automation = await scene.automate({"kind": "alarm", "alarm": "water", "severity": "high"})
    await scene.says(scene.door, "off", "on")
    assert (await scene.runs(automation))[0]["actions"][0]["result"] == "not_agreed"
    (risk,) = automation["riskier"]
    await scene.ask("PUT", f"/home-automations/{automation['id']}/agreement", {"digests": [risk["digest"]]})
    await scene.says(scene.door, "off", "on")
    scene.clock.advance(timedelta(hours=1))
    await scene.says(scene.door, "off", "on")
    async with reading() as connection:
        incidents = (await connection.execute(sa.select(INCIDENTS.c.kind, INCIDENTS.c.state))).all()
        events = table_of(EventRecord)
        facts = await connection.scalar(sa.select(sa.func.count()).where(events.c.name == "community.home_noticed.v1"))
    assert [(row.kind, row.state) for row in incidents] == [("water", "over"), ("water", "over")]
    assert facts == 2


async def test_an_event_of_the_residents_care_is_heard_by_their_own_home_alone(scene: Scene) -> None:
    automation = await scene.automate(trigger={"kind": "care", "event": "check_in_missed"})
    other = await identity.resident(scene.place, name="Hu", phone="+8613800000007")
    async with unit_of_work() as session:
        await community.home_event(session, other.id, "check_in_missed", clocks.now())
        await community.home_event(session, scene.grace.id, "alarm_raised", clocks.now())
    assert await log() == []
    async with unit_of_work() as session:
        await community.home_event(session, scene.grace.id, "check_in_missed", clocks.now())
    assert await scene.states(automation) == ["done"]
    assert await given() == [(scene.lamp.id, "turn_on")]


async def test_what_the_home_is_like_when_an_automation_begins_is_known_to_it(scene: Scene) -> None:
    await stands(scene.motion, "off")
    await stands(scene.door, "on")
    quiet = {"kind": "state", "entity_id": str(scene.motion.id), "is": ["off"]}
    await scene.automate(conditions=[quiet])
    await scene.says(scene.door, "on")
    assert await given() == []  # it stood open before
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.lamp.id, "turn_on")]


async def test_a_home_that_was_closed_does_nothing_any_more(scene: Scene) -> None:
    automation = await scene.automate()
    async with unit_of_work() as session:
        home = await session.get_one(type(scene.home), scene.home.id)
        home.state, home.closed_at = "closed", clocks.now()
    await scene.says(scene.door, "off")
    assert await given() == []
    async with reading() as connection:
        left = [await connection.scalar(sa.select(sa.func.count()).select_from(one)) for one in (MEMORIES, WATCHES)]
    assert left == [0, 0]
    assert await log() == ["stopped"]
    shown = await scene.ask("GET", f"/home-automations/{automation['id']}")
    assert (shown["is_enabled"], shown["off_because"]) == (False, "home_closed")


async def test_what_had_begun_ends_with_the_home_and_nobody_is_told(scene: Scene) -> None:
    later = {"kind": "delay", "lasts": "PT10M"}
    notice = {"kind": "notice", "text": "door", "account_ids": [str(scene.ann.id)]}
    automation = await scene.automate(later, notice)
    await scene.says(scene.door, "off", "on")
    async with unit_of_work() as session:
        home = await session.get_one(type(scene.home), scene.home.id)
        home.state = "waiting"  # somebody who lives there no longer agrees
    await scene.wait(11)
    assert await told("community.home_automation_told") == []
    assert await steps() == ["stopped"]
    assert await scene.states(automation) == ["stopped"]


async def test_of_what_happens_in_care_one_automation_that_fails_keeps_nothing_from_another(scene: Scene) -> None:
    missed = {"kind": "care", "event": "check_in_missed"}
    broken = await scene.automate(trigger=missed)
    await scene.automate(trigger=missed)
    async with unit_of_work() as session:
        odd = sa.update(AUTOMATIONS).where(AUTOMATIONS.c.id == sa.cast(broken["id"], sa.Uuid))
        await session.execute(odd.values(definition={"triggers": "odd"}))
    async with unit_of_work() as session:
        await community.home_event(session, scene.grace.id, "check_in_missed", clocks.now())
    assert await given() == [(scene.lamp.id, "turn_on")]


async def test_what_is_not_met_by_turns_fills_no_log(scene: Scene) -> None:
    automation = await scene.automate(
        trigger=[scene.opens(), {"kind": "state", "entity_id": str(scene.door.id), "to": "off"}],
        conditions=[{"kind": "sun", "is": "down"}],
    )
    await scene.says(scene.door, *["on", "off"] * 10)
    assert len(await scene.runs(automation)) == 2
    assert sum(one["times"] for one in await scene.runs(automation)) >= 19


async def test_a_command_to_a_thing_that_is_gone_is_written_down_and_holds_up_nothing(scene: Scene) -> None:
    automation = await scene.automate(scene.tell(scene.stove, "turn_off"), scene.tell(scene.lamp, "turn_on"))
    async with unit_of_work() as session:
        stove = await session.get_one(type(scene.stove), scene.stove.id)
        stove.state, stove.removed_at = "removed", clocks.now()
    await scene.says(scene.door, "off", "on")
    (run,) = await scene.runs(automation)
    assert [(one["result"], one["code"]) for one in run["actions"]] == [("failed", "entity_removed"), ("given", None)]
    assert run["actions"][1]["command_id"] is not None


async def test_an_automation_that_fails_holds_up_neither_what_is_stored_nor_another(scene: Scene) -> None:
    broken = await scene.automate()
    await scene.automate(scene.tell(scene.stove, "turn_off"))
    async with unit_of_work() as session:
        odd = sa.update(AUTOMATIONS).where(AUTOMATIONS.c.id == sa.cast(broken["id"], sa.Uuid))
        await session.execute(odd.values(definition={"triggers": "odd"}))
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.stove.id, "turn_off")]


async def test_what_happens_in_care_is_relayed_and_a_drill_is_not(scene: Scene) -> None:
    automation = await scene.automate(trigger={"kind": "care", "event": "alarm_raised"})
    (subscriber,) = SUBSCRIBERS
    values: dict[str, Any] = {
        "aggregate_id": scene.home.id,
        "community_id": scene.place.id,
        "resident_id": scene.grace.id,
        "kind": "sos",
        "severity": "high",
    }
    async with unit_of_work() as session:
        await subscriber.handle(session, [AlarmRaised(**values, is_test=True)])
    assert await log() == []
    async with unit_of_work() as session:
        await subscriber.handle(session, [AlarmRaised(**values, is_test=False)])
    assert await scene.states(automation) == ["done"]


def _shows(scene: Scene, *, many: int) -> Any:
    return [scene.tell(scene.lamp, "turn_on") for _ in range(many)]


async def _scene_of(scene: Scene, many: int) -> Any:
    commands = [{key: value for key, value in one.items() if key != "kind"} for one in _shows(scene, many=many)]
    return await scene.ask(
        "POST", f"/homes/{scene.home.id}/scenes", {"name": "Evening", "commands": commands}, expect=201
    )


async def test_a_large_scene_is_done_whole_or_not_at_all(scene: Scene) -> None:
    evening = await _scene_of(scene, 30)
    path = f"/home-scenes/{evening['id']}/activation"
    for _ in range(SCENES_PER_HOME.burst):
        outcomes = await scene.ask("POST", path)
        assert [one["problem"] for one in outcomes["outcomes"]] == [None] * 30
    problem = await scene.ask("POST", path, expect=429)
    assert problem["code"] == "too_many_requests"
    assert len(await given()) == 30 * SCENES_PER_HOME.burst


async def test_a_scene_that_an_automation_does_counts_once_and_commands_of_its_own_one_by_one(scene: Scene) -> None:
    evening = await _scene_of(scene, 30)
    does = {"kind": "scene", "scene_id": evening["id"]}
    automation = await scene.automate(does, does, scene.tell(scene.lamp, "turn_off"))
    await scene.says(scene.door, "off", "on")
    (run,) = await scene.runs(automation)
    assert {one["result"] for one in run["actions"]} <= {"given", "failed"}
    assert len(await given()) == 61
