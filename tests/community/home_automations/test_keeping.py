"""Who may write, see and switch off what a home does by itself; what is risky; circles; scenes; templates; trials."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import unit_of_work
from community.home_automations.service import trial
from community.home_commands.models import COMMANDS
from community.home_states.models import HomeReading
from tests.community.home_automations.conftest import MINUTE, Scene, given, steps, told
from tests.community.orders.conftest import session_of_resident
from tests.factories import community_homes as homes
from tests.factories import identity


async def only(scene: Scene, *scopes: str) -> None:
    """Let the daughter have these scopes and no others."""
    async with unit_of_work() as session:
        grant = await session.get_one(type(scene.grant), scene.grant.id)
        grant.scopes = list(scopes)


async def test_who_manages_the_home_writes_and_who_reads_sees(scene: Scene) -> None:
    automation = await scene.automate(by=scene.daughter)
    path = f"/home-automations/{automation['id']}"
    await only(scene, "home:read")
    await scene.automate(by=scene.daughter, expect=403)
    assert (await scene.ask("GET", path, by=scene.daughter))["name"] == "Welcome"
    await scene.ask("POST", f"{path}/switching-off", by=scene.daughter, expect=403)
    await only(scene, "home:manage")
    await scene.ask("GET", path, by=scene.daughter)
    # What the home noticed is for those who may read it: managing is not living there.
    await scene.ask("GET", f"{path}/runs", by=scene.daughter, expect=403)
    trial = {"definition": automation["definition"]}
    await scene.ask("POST", f"/homes/{scene.home.id}/automations/dry-run", trial, by=scene.daughter, expect=403)
    await only(scene, "home:activity")
    await scene.ask("GET", path, by=scene.daughter, expect=403)
    for method, where in (("GET", path), ("GET", f"{path}/runs"), ("DELETE", path)):
        await scene.ask(method, where, by=scene.stranger, expect=404)


async def test_what_the_resident_switched_off_stays_off_until_they_switch_it_on(scene: Scene) -> None:
    automation = await scene.automate(by=scene.daughter)
    path = f"/home-automations/{automation['id']}"
    off = await scene.ask("POST", f"{path}/switching-off")
    assert (off["is_enabled"], off["off_because"]) == (False, "resident")
    await scene.says(scene.door, "off", "on")
    assert await given() == []
    refused = await scene.ask("POST", f"{path}/switching-on", by=scene.daughter, expect=403)
    assert refused["code"] == "home_automation_off_by_resident"
    body = {"name": "Again", "definition": automation["definition"]}
    await scene.ask("PUT", path, body, by=scene.daughter, expect=403)
    assert (await scene.ask("POST", f"{path}/switching-on"))["is_enabled"]
    await scene.says(scene.door, "off", "on")
    assert len(await given()) == 1


async def test_switching_everything_off_ends_what_had_begun(scene: Scene) -> None:
    later = [{"kind": "delay", "lasts": "PT10M"}, scene.tell(scene.lamp, "turn_off")]
    await scene.automate(*later)
    await scene.automate(*later)
    await scene.says(scene.door, "off", "on")
    assert (await scene.ask("POST", f"/homes/{scene.home.id}/automations/switching-off"))["count"] == 2
    await scene.wait(15)
    assert await given() == []
    assert await steps() == ["stopped", "stopped"]


async def test_two_who_write_at_once_do_not_overwrite_each_other(scene: Scene) -> None:
    automation = await scene.automate()
    path = f"/home-automations/{automation['id']}"
    body = {"name": "Hall", "definition": automation["definition"]}
    first = {"If-Match": f'"{automation["version"]}"'}
    changed = await scene.ask("PUT", path, body, headers=first)
    assert changed["version"] > automation["version"]
    await scene.ask("PUT", path, body, headers=first, expect=412)
    # What it hears and remembers is no change of anybody's.
    await scene.says(scene.door, "off", "on")
    await scene.ask("PUT", path, body, headers={"If-Match": f'"{changed["version"]}"'})


async def test_a_deleted_automation_is_gone_with_its_log(scene: Scene) -> None:
    automation = await scene.automate(
        scene.tell(scene.lamp, "turn_on"), {"kind": "delay", "lasts": "PT1M"}, scene.tell(scene.lamp, "turn_off")
    )
    await scene.says(scene.door, "off", "on")
    await scene.ask("DELETE", f"/home-automations/{automation['id']}", expect=204)
    await scene.says(scene.door, "off", "on")
    await scene.wait(2)
    assert len(await given()) == 1
    await scene.ask("GET", f"/home-automations/{automation['id']}", expect=404)


async def test_what_a_home_does_not_have_or_cannot_do_is_refused_where_it_stands(scene: Scene) -> None:
    other = await identity.resident(scene.place, name="Hu", phone="+8613800000007")
    elsewhere = await homes.entity(await homes.device(await homes.home(other)), "light")
    theirs = {"kind": "state", "entity_id": str(elsewhere.id), "is": ["on"]}
    refused = await scene.automate(
        scene.tell(elsewhere, "turn_on"),
        scene.tell(scene.lamp, "fly"),
        scene.tell(scene.lamp, "turn_on", brightness="very"),
        {"kind": "scene", "scene_id": str(clocks.new_id())},
        {"kind": "notice", "account_ids": [str(other.account_id)]},
        trigger=[
            {"kind": "state", "entity_id": str(elsewhere.id), "to": "on"},
            {"kind": "presence", "entity_ids": [str(scene.lamp.id)], "becomes": "nobody"},
        ],
        conditions=[{"kind": "not", "condition": {"kind": "all", "conditions": [theirs]}}],
        expect=422,
    )
    assert {(one["pointer"].removeprefix("/body/definition"), one["code"]) for one in refused["errors"]} == {
        ("/triggers/0/entity_id", "unknown_entity"),
        ("/triggers/1/entity_ids/0", "not_presence"),
        ("/conditions/0/condition/conditions/0/entity_id", "unknown_entity"),
        ("/actions/0/entity_id", "unknown_entity"),
        ("/actions/1/command", "unknown_command"),
        ("/actions/2/command", "unknown_argument"),
        ("/actions/3/scene_id", "unknown_scene"),
        ("/actions/4/account_ids/0", "not_granted"),
    }


async def test_what_happens_in_another_home_sets_off_nothing_here(scene: Scene) -> None:
    other = await identity.resident(scene.place, name="Hu", phone="+8613800000007")
    elsewhere = await homes.entity(await homes.device(await homes.home(other)), role="door")
    automation = await scene.automate()
    await scene.says(elsewhere, "off", "on")
    assert await given() == []
    neighbour = await session_of_resident(other)
    await scene.ask("GET", f"/home-automations/{automation['id']}", by=neighbour, expect=404)
    await scene.ask("GET", f"/homes/{scene.home.id}/automations", by=neighbour, expect=404)


async def test_who_lives_there_too_sees_and_switches_off_but_does_not_agree_for_the_holder(scene: Scene) -> None:
    other = await identity.resident(scene.place, name="Hu", phone="+8613800000007")
    shared = await homes.home(scene.grace, others=[other])
    door = await homes.entity(await homes.device(shared), role="door")
    lock = await homes.entity(await homes.device(shared), "lock", config={"command_topic": "x", "state_topic": "y"})
    definition = {
        "triggers": [{"kind": "state", "entity_id": str(door.id), "to": "on"}],
        "actions": [scene.tell(lock, "unlock")],
    }
    body = {"name": "Theirs", "definition": definition}
    automation = await scene.ask("POST", f"/homes/{shared.id}/automations", body, expect=201)
    path, by = f"/home-automations/{automation['id']}", await session_of_resident(other)
    await scene.ask("GET", path, by=by)
    digests = {"digests": [automation["riskier"][0]["digest"]]}
    await scene.ask("PUT", f"{path}/agreement", digests, by=by, expect=403)
    await scene.ask("PUT", path, body, by=by, expect=403)
    assert (await scene.ask("POST", f"{path}/switching-off", by=by))["off_because"] == "resident"


async def test_a_door_is_never_unlocked_unless_the_resident_agreed_to_that_very_action(scene: Scene) -> None:
    automation = await scene.automate(scene.tell(scene.lock, "unlock"), by=scene.daughter)
    path = f"/home-automations/{automation['id']}"
    (risk,) = automation["riskier"]
    assert (risk["command"], risk["is_agreed"]) == ("unlock", False)
    await scene.says(scene.door, "off", "on")
    assert await given() == []
    (run,) = await scene.runs(automation)
    assert (run["actions"][0]["result"], run["actions"][0]["code"]) == ("refused", "home_risk_not_agreed")
    # Nobody can say it in the resident's place.
    await scene.ask("PUT", f"{path}/agreement", {"digests": [risk["digest"]]}, by=scene.daughter, expect=403)
    await scene.ask("PUT", f"{path}/agreement", {"digests": ["0" * 32]}, expect=422)
    digests, read = {"digests": [risk["digest"]]}, automation["version"]
    await scene.ask("PUT", f"{path}/agreement", digests, expect=412, headers={"If-Match": f'"{read + 1}"'})
    agreed = await scene.ask("PUT", f"{path}/agreement", digests, headers={"If-Match": f'"{read}"'})
    assert agreed["riskier"][0]["is_agreed"]
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.lock.id, "unlock")]
    # When somebody else changes when it happens, the word was for something else.
    changed = agreed["definition"] | {"triggers": [{"kind": "time", "at": "03:00"}, scene.opens()]}
    rewritten = await scene.ask("PUT", path, {"name": "Sly", "definition": changed}, by=scene.daughter)
    assert not rewritten["riskier"][0]["is_agreed"]
    await scene.says(scene.door, "off", "on")
    assert len(await given()) == 1


async def test_what_was_agreed_is_taken_back_at_once_even_while_it_waits(scene: Scene) -> None:
    automation = await scene.automate({"kind": "delay", "lasts": "PT5M"}, scene.tell(scene.lock, "unlock"))
    path = f"/home-automations/{automation['id']}/agreement"
    await scene.ask("PUT", path, {"digests": [automation["riskier"][0]["digest"]]})
    await scene.says(scene.door, "off", "on")
    await scene.ask("PUT", path, {"digests": []})
    await scene.wait(6)
    assert await given() == []


async def test_two_that_set_each_other_off_are_stopped_explained_and_told_once(scene: Scene) -> None:
    lamp = {"kind": "state", "entity_id": str(scene.lamp.id)}
    on = await scene.automate(scene.tell(scene.lamp, "turn_off"), trigger=lamp | {"to": "on"})
    off = await scene.automate(scene.tell(scene.lamp, "turn_on"), trigger=lamp | {"to": "off"})
    await scene.says(scene.lamp, "off")
    obeyed = 0
    while len(await given()) > obeyed:  # the lamp does as it is told, each time
        obeyed = len(await given())
        assert obeyed < 20
        scene.clock.advance(timedelta(seconds=2))
        await scene.says(scene.lamp, (await given())[-1][1].removeprefix("turn_"))
    assert obeyed == 5
    shown = [await scene.ask("GET", f"/home-automations/{one['id']}") for one in (on, off)]
    stopped = [one for one in shown if not one["is_enabled"]]
    assert [one["off_because"] for one in stopped] == ["loop"]
    last = (await scene.runs(stopped[0]))[-1]
    assert (last["state"], last["depth"]) == ("stopped", 5)
    assert last["actions"][-1]["result"] == "loop"
    heard = await told("community.home_automation_off")
    assert sorted(heard) == sorted([scene.ann.id, scene.grace.account_id])


async def test_what_runs_too_often_is_switched_off(scene: Scene) -> None:
    automation = await scene.automate({"kind": "notice", "to_resident": True})
    for _ in range(62):
        scene.clock.advance(timedelta(seconds=20))
        await scene.says(scene.door, "off", "on")
    shown = await scene.ask("GET", f"/home-automations/{automation['id']}")
    assert (shown["is_enabled"], shown["off_because"]) == (False, "too_many_runs")
    assert (await scene.states(automation)).count("done") == 60


async def scene_of(scene: Scene, *commands: Any, by: Any = None, expect: int = 201) -> Any:
    """Write a scene."""
    body = {"name": "Evening", "commands": list(commands)}
    return await scene.ask("POST", f"/homes/{scene.home.id}/scenes", body, by=by, expect=expect)


def plain(scene: Scene, entity: Any, command: str) -> dict[str, Any]:
    """Return a scene's command."""
    return {"entity_id": str(entity.id), "command": command}


async def test_a_scene_does_all_at_once_and_what_is_risky_waits_to_be_confirmed(scene: Scene) -> None:
    row = await scene_of(scene, plain(scene, scene.lamp, "turn_on"), plain(scene, scene.lock, "unlock"))
    path = f"/home-scenes/{row['id']}"
    done = await scene.ask("POST", f"{path}/activation", by=scene.daughter)
    assert [one["state"] for one in done["outcomes"]] == ["queued", "awaiting_confirmation"]
    async with unit_of_work() as session:
        found = await session.execute(sa.select(COMMANDS.c.origin, COMMANDS.c.given_by))
        assert {(one.origin, one.given_by) for one in found} == {("scene", scene.ann.id)}
    await only(scene, "home:read")
    await scene.ask("GET", path, by=scene.daughter)
    await scene.ask("POST", f"{path}/activation", by=scene.daughter, expect=403)
    await scene_of(scene, plain(scene, scene.lamp, "turn_on"), by=scene.daughter, expect=403)
    await scene_of(scene, plain(scene, scene.lamp, "fly"), expect=422)
    changed = {"name": "Night", "commands": [plain(scene, scene.lamp, "turn_off")]}
    await scene.ask("PUT", path, changed, headers={"If-Match": '"9"'}, expect=412)
    assert (await scene.ask("PUT", path, changed))["name"] == "Night"
    assert [one["name"] for one in (await scene.ask("GET", f"/homes/{scene.home.id}/scenes"))["items"]] == ["Night"]
    await scene.ask("DELETE", path, expect=204)
    await scene.ask("GET", path, expect=404)


async def test_an_automation_does_a_scene_but_its_lock_only_if_agreed(scene: Scene) -> None:
    row = await scene_of(scene, plain(scene, scene.lock, "unlock"), plain(scene, scene.lamp, "turn_on"))
    automation = await scene.automate({"kind": "scene", "scene_id": row["id"]})
    await scene.ask("DELETE", f"/home-scenes/{row['id']}", expect=409)
    assert [one["kind"] for one in automation["riskier"]] == ["scene"]
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.lamp.id, "turn_on")]
    digests = {"digests": [automation["riskier"][0]["digest"]]}
    await scene.ask("PUT", f"/home-automations/{automation['id']}/agreement", digests)
    await scene.says(scene.door, "off", "on")
    assert (scene.lock.id, "unlock") in await given()


async def test_what_was_agreed_to_is_not_done_to_what_is_another_thing_by_now(scene: Scene) -> None:
    automation = await scene.automate(scene.tell(scene.stove, "turn_on"))
    path = f"/home-automations/{automation['id']}"
    (risk,) = automation["riskier"]
    await scene.ask("PUT", f"{path}/agreement", {"digests": [risk["digest"]]})
    await scene.says(scene.door, "off", "on")
    assert await given() == [(scene.stove.id, "turn_on")]
    async with unit_of_work() as session:
        plug = await session.get_one(type(scene.stove), scene.stove.id)
        plug.name = "Garage door opener"  # the same plug, now at another thing
    await scene.says(scene.door, "off", "on")
    assert len(await given()) == 1
    (risk,) = (await scene.ask("GET", path))["riskier"]
    assert not risk["is_agreed"]


async def test_the_resident_agrees_to_what_they_saw_and_not_to_what_was_written_since(scene: Scene) -> None:
    automation = await scene.automate(scene.tell(scene.lock, "unlock"), by=scene.daughter)
    path = f"/home-automations/{automation['id']}"
    seen = {"If-Match": f'"{automation["version"]}"'}
    changed = automation["definition"] | {"triggers": [{"kind": "time", "at": "03:00"}]}
    await scene.ask("PUT", path, {"name": "Welcome", "definition": changed}, by=scene.daughter)
    digests = {"digests": [automation["riskier"][0]["digest"]]}
    await scene.ask("PUT", f"{path}/agreement", digests, headers=seen, expect=412)
    assert not (await scene.ask("GET", path))["riskier"][0]["is_agreed"]


async def test_who_may_not_know_of_somebodys_care_has_no_automation_tell_them(scene: Scene) -> None:
    missed = {"kind": "care", "event": "check_in_missed"}
    notice = {"kind": "notice", "account_ids": [str(scene.ann.id)]}
    await scene.automate(notice, trigger=missed, by=scene.daughter, expect=403)
    theirs = await scene.automate(trigger=missed)
    path = f"/home-automations/{theirs['id']}"
    changed = theirs["definition"] | {"actions": [notice]}
    await scene.ask("PUT", path, {"name": "Welcome", "definition": changed}, by=scene.daughter, expect=403)
    # What it is called is no part of that.
    await scene.ask("PUT", path, {"name": "Up", "definition": theirs["definition"]}, by=scene.daughter)
    await only(scene, "home:activity", "home:manage", "check_ins:read")
    await scene.automate(notice, trigger=missed, by=scene.daughter)
    await scene.automate(notice, trigger={"kind": "care", "event": "alarm_raised"}, by=scene.daughter, expect=403)


async def test_templates_offer_what_the_home_has_in_both_languages(scene: Scene) -> None:
    path = f"/homes/{scene.home.id}/automation-templates"
    shown = await scene.ask("GET", path)
    chinese = await scene.ask("GET", path, headers={"Accept-Language": "zh-CN"})
    assert [one["key"] for one in shown["items"]] == [
        "night_light",
        "stove_off",
        "frost_guard",
        "door_at_night",
        "water_valve",
        "good_night",
    ]
    assert [one["name"] for one in chinese["items"]][:2] == ["起夜灯", "灶具自动关闭"]
    asked = {one["key"]: one for one in shown["items"][0]["parameters"]}
    assert asked["motion"]["candidates"] == [str(scene.motion.id)]
    assert asked["light"]["candidates"] == [str(scene.lamp.id)]


async def use(scene: Scene, key: str, values: Any, expect: int = 201) -> Any:
    """Make something of a template."""
    path = f"/homes/{scene.home.id}/automation-templates/{key}"
    return await scene.ask("POST", path, {"values": values}, expect=expect)


async def test_a_night_light_goes_on_at_night_and_off_after_ten_minutes(scene: Scene) -> None:
    await use(scene, "night_light", {"motion": [str(scene.motion.id)], "light": str(scene.lamp.id)})
    await scene.says(scene.motion, "off", "on", "off")
    assert await given() == []  # by day
    scene.clock.advance(timedelta(hours=8))
    await scene.says(scene.motion, "on")
    assert [command for _, command in await given()] == ["turn_on"]
    await scene.wait(11)
    assert [command for _, command in await given()] == ["turn_on", "turn_off"]


async def test_a_stove_goes_off_when_nobody_is_in_the_kitchen(scene: Scene) -> None:
    await use(scene, "stove_off", {"motion": str(scene.motion.id), "stove": str(scene.stove.id), "minutes": 5})
    await scene.says(scene.motion, "on")
    await scene.says(scene.stove, "on")
    await scene.wait(10)
    assert await given() == []  # somebody cooks
    await scene.says(scene.motion, "off")
    await scene.wait(6)
    assert await given() == [(scene.stove.id, "turn_off")]


async def test_water_closes_the_valve_and_people_are_told(scene: Scene) -> None:
    values = {"leaks": [str(scene.leak.id)], "valve": str(scene.valve.id), "people": [str(scene.ann.id)]}
    made = await use(scene, "water_valve", values)
    assert made["automation"]["riskier"] == []
    await scene.says(scene.leak, "off", "on")
    assert await given() == [(scene.valve.id, "close")]
    assert scene.ann.id in await told("community.home_automation_told")


async def test_a_door_that_stays_open_at_night_turns_the_lights_on_and_people_are_told(scene: Scene) -> None:
    await use(scene, "door_at_night", {"door": str(scene.door.id), "lights": [str(scene.lamp.id)]})
    scene.clock.advance(timedelta(hours=8))
    await scene.says(scene.door, "off", "on")
    await scene.wait(4)
    assert await given() == [(scene.lamp.id, "turn_on")]
    assert await told("community.home_automation_told") == [scene.grace.account_id]


async def test_a_room_that_gets_too_cold_is_heated_without_anybodys_word(scene: Scene) -> None:
    device = await homes.device(scene.home)
    thermometer = await homes.entity(device, "sensor", role="temperature")
    config = {"mode_command_topic": "m", "modes": ["off", "heat"], "temperature_command_topic": "t"}
    heating = await homes.entity(device, "climate", config=config, name="Heating")
    made = await use(scene, "frost_guard", {"thermometer": str(thermometer.id), "heating": str(heating.id)})
    assert made["automation"]["riskier"] == []
    await scene.says(thermometer, "15", number=15.0)
    await scene.says(thermometer, "11", number=11.0)
    await scene.wait(11)
    assert await given() == [(heating.id, "set_hvac_mode"), (heating.id, "set_temperature")]


async def test_a_good_night_is_a_scene(scene: Scene) -> None:
    made = await use(scene, "good_night", {"lights": [str(scene.lamp.id)], "locks": [str(scene.lock.id)]})
    done = await scene.ask("POST", f"/home-scenes/{made['scene']['id']}/activation")
    assert [one["state"] for one in done["outcomes"]] == ["queued", "queued"]


@pytest.mark.parametrize(
    ("key", "values", "pointer"),
    [
        ("night_light", {}, "/body/values/light"),
        ("stove_off", {"minutes": 9000}, "/body/values/minutes"),
        ("door_at_night", {"after": "late"}, "/body/values/after"),
        ("good_night", {}, "/body/values/lights"),
        ("good_night", {"more": 1}, "/body/values/more"),
    ],
)
async def test_a_template_says_which_answer_is_missing(scene: Scene, key: str, values: Any, pointer: str) -> None:
    refused = await use(scene, key, values, expect=422)
    assert refused["errors"][0]["pointer"] == pointer


async def read(scene: Scene, entity: Any, *said: tuple[float, str | None]) -> None:
    """Write down what a thing said so many minutes after the trial's beginning."""
    since = clocks.now() - timedelta(days=7)
    async with unit_of_work() as session:
        session.add_all(
            HomeReading(
                id=clocks.id_of(since + minutes * MINUTE, number),
                home_id=scene.home.id,
                resident_id=scene.grace.id,
                entity_id=entity.id,
                state=state,
                at=since + minutes * MINUTE,
            )
            for number, (minutes, state) in enumerate(said)
        )


async def test_a_trial_says_how_often_it_would_have_fired_and_why_not(scene: Scene) -> None:
    # The trial begins at 16:00 by the home's clocks.
    said = ((-30, "off"), (10, "on"), (20, "off"), (70, "on"), (80, None), (90, "on"), (600, "off"), (610, "on"))
    await read(scene, scene.door, *said)
    at_tea = {"kind": "time", "after": "16:00", "before": "17:00"}
    definition = {
        "triggers": [scene.opens(), {"kind": "care", "event": "alarm_raised"}],
        "conditions": [at_tea],
        "actions": [scene.tell(scene.lamp, "turn_on")],
    }
    path = f"/homes/{scene.home.id}/automations/dry-run"
    tried = await scene.ask("POST", path, {"definition": definition}, by=scene.daughter)
    assert (tried["fired"], tried["not_met"], tried["is_complete"]) == (1, 2, True)
    assert [one["is_met"] for one in tried["firings"]] == [True, False, False]
    saw = {"local": "17:10", "weekday": 1}
    assert tried["firings"][1]["conditions"] == [{"kind": "time", "holds": False, "saw": saw}]
    assert tried["not_replayed"] == ["care"]
    assert await given() == []
    again = await scene.ask("POST", path, {"definition": definition, "lasts": "P1D"})
    assert again["fired"] == 0
    await scene.ask("POST", path, {"definition": definition, "lasts": "P30D"}, expect=422)


async def test_what_an_automation_may_say_is_there_as_a_schema(scene: Scene) -> None:
    found = await scene.ask("GET", "/home-automation-schema")
    assert {"StateTrigger", "NotCondition", "AlarmAction"} <= set(found["json_schema"]["$defs"])


async def test_a_home_has_only_so_many(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("community.home_automations.service.keeping.MOST_AUTOMATIONS", 1)
    await scene.automate()
    assert (await scene.automate(expect=409))["code"] == "too_many_in_home"


async def test_the_list_goes_on_and_shows_the_latest_first(scene: Scene) -> None:
    made = [(await scene.automate())["id"] for _ in range(3)]
    path = f"/homes/{scene.home.id}/automations?limit=2"
    first = await scene.ask("GET", path)
    rest = await scene.ask("GET", f"{path}&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


async def test_a_trial_takes_bounded_work_and_says_that_it_left_something_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MOST_JUDGED", 50)
    await read(scene, scene.door, *((minute, "on" if minute % 2 else "off") for minute in range(60)))
    held = {"kind": "state", "entity_id": str(scene.motion.id), "is": ["on"]}
    definition = {
        "triggers": [scene.opens()] * 5,
        "conditions": [held] * 5,
        "actions": [scene.tell(scene.lamp, "turn_on")],
    }
    found = await scene.ask("POST", f"/homes/{scene.home.id}/automations/dry-run", {"definition": definition})
    assert not found["is_complete"]
    assert 0 < found["fired"] + found["not_met"] <= 20
