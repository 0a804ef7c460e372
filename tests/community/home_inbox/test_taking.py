"""A batch of messages: what changes is stored and told once, and what is no news is no news."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

import app.assembly  # noqa: F401 - partitions are of all tables there are
from app.core import partitions
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from community.home_devices.models import DEVICES, ENTITIES, HomeEntity
from community.home_inbox import jobs
from community.home_inbox.service import followers
from community.home_inbox.service.taking import MESSAGES
from community.homes.models import HOMES
from tests.community.home_inbox.conftest import Scene, readings_of, state_of
from tests.factories import community_homes as homes

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def _counted(outcome: str) -> float:
    return float(MESSAGES.labels(outcome)._value.get())


async def test_a_change_is_stored_and_told_with_all_there_is_to_know_of_it(scene: Scene, clock: ManualClock) -> None:
    clock.advance(MINUTE)
    (change,) = await scene.say(scene.motion, "ON")
    assert (change.old, change.new, change.attribute, change.is_fresh) == ("off", "on", "state", True)
    assert (change.home_id, change.entity_id, change.device_id) == (scene.home.id, scene.motion.id, scene.device.id)
    assert (change.role, change.room_id) == ("motion", scene.device.room_id)
    assert (change.resident_id, change.community_id, change.at) == (
        scene.grace.id,
        scene.grace.community_id,
        clock.now(),
    )
    state = await state_of(scene.motion)
    assert (state.state, state.changed_at, state.reported_at, state.is_fresh) == ("on", clock.now(), clock.now(), True)
    assert [row.state for row in await readings_of(scene.motion)] == ["off", "on"]


async def test_the_first_word_of_a_thing_is_how_it_stands_and_no_happening(scene: Scene) -> None:
    door = await homes.entity(scene.device, device_class="door", role="door")
    scene.inbox = type(scene.inbox)()
    (change,) = await scene.say(door, "ON")
    assert (change.old, change.new, change.is_fresh) == (None, "on", False)


async def test_the_same_again_changes_nothing_however_often_it_comes(scene: Scene, clock: ManualClock) -> None:
    clock.advance(MINUTE)
    await scene.say(scene.motion, "ON")
    before = await state_of(scene.motion)
    assert await scene.say(scene.motion, "ON", "ON", repeated=True) == []
    assert await state_of(scene.motion) == before
    assert len(await readings_of(scene.motion)) == 2


async def test_what_a_broker_kept_is_how_things_stand_and_no_happening(scene: Scene, clock: ManualClock) -> None:
    clock.advance(MINUTE)
    (change,) = await scene.say(scene.smoke, "ON", retained=True)
    assert not change.is_fresh
    assert not (await state_of(scene.smoke)).is_fresh


async def test_several_changes_of_one_batch_are_told_in_their_order(scene: Scene, clock: ManualClock) -> None:
    clock.advance(MINUTE)
    changes = await scene.say(scene.motion, "ON", "OFF", "ON")
    assert [(change.old, change.new) for change in changes] == [("off", "on"), ("on", "off"), ("off", "on")]


async def test_an_unchanged_state_is_written_again_after_an_hour_and_not_before(
    scene: Scene, clock: ManualClock
) -> None:
    for minutes in (20, 20, 19):
        clock.advance(minutes * MINUTE)
        await scene.say(scene.motion, "OFF")
    assert len(await readings_of(scene.motion)) == 1
    clock.advance(MINUTE)
    await scene.say(scene.motion, "OFF")
    assert len(await readings_of(scene.motion)) == 2


async def test_a_number_is_kept_every_ten_seconds_at_most_and_its_last_value_always(
    scene: Scene, clock: ManualClock
) -> None:
    clock.advance(MINUTE)
    for tenths in range(30):
        clock.advance(SECOND)
        await scene.say(scene.warmth, f"{21 + tenths}")
    assert (await state_of(scene.warmth)).number == 50
    assert [row.number for row in await readings_of(scene.warmth)] == [20, 21, 31, 41]
    clock.advance(10 * SECOND)
    assert await jobs.look_at_states() == 1
    assert [row.number for row in await readings_of(scene.warmth)] == [20, 21, 31, 41, 50]
    assert (await state_of(scene.warmth)).look_at is None


async def test_noise_is_not_kept_but_shown(scene: Scene, clock: ManualClock) -> None:
    for tenths in ("20.05", "19.95", "20.04"):
        clock.advance(MINUTE)
        await scene.say(scene.warmth, tenths)
    assert (await state_of(scene.warmth)).number == 20.04
    assert len(await readings_of(scene.warmth)) == 1
    clock.advance(MINUTE)
    await scene.say(scene.warmth, "20.2")
    assert len(await readings_of(scene.warmth)) == 2


async def test_of_a_danger_each_report_is_kept(scene: Scene) -> None:
    await scene.say(scene.smoke, *("ON", "OFF") * 20)
    assert len(await readings_of(scene.smoke)) == 41


async def test_a_home_nobody_knows_or_that_is_closed_or_waits_is_not_heard(scene: Scene) -> None:
    async with reading() as connection:
        await connection.execute(sa.update(HOMES).values(state="waiting"))
    before = _counted("unknown_home"), _counted("not_active")
    stranger = scene.message(scene.motion, "ON")._replace(topic=f"homes/{homes.key()}/x/state")
    assert await scene.take(stranger, scene.message(scene.motion, "ON"), stranger._replace(topic="homes/short")) == []
    assert (_counted("unknown_home"), _counted("not_active")) == (before[0] + 2, before[1] + 1)
    assert (await state_of(scene.motion)).state == "off"


async def test_a_home_and_its_devices_are_noted_as_heard_once_a_minute(scene: Scene, clock: ManualClock) -> None:
    async def seen() -> tuple[object, object]:
        async with reading() as connection:
            home = await connection.scalar(sa.select(HOMES.c.last_seen_at))
            return home, await connection.scalar(sa.select(DEVICES.c.last_seen_at))

    first = clock.now()
    assert await seen() == (first, first)
    clock.advance(59 * SECOND)
    await scene.say(scene.motion, "OFF")
    assert await seen() == (first, first)
    clock.advance(SECOND)
    await scene.say(scene.motion, "OFF", retained=True)
    assert await seen() == (first, first)
    await scene.say(scene.motion, "OFF")
    assert await seen() == (clock.now(), clock.now())


async def test_what_we_say_ourselves_is_no_sign_of_life_of_a_home(scene: Scene, clock: ManualClock) -> None:
    await homes.entity(
        scene.device, "switch", role="other", config={"state_topic": "plug", "command_topic": "plug/set"}
    )
    scene.inbox = type(scene.inbox)()
    first = clock.now()

    async def seen_after(local: str, payload: str) -> object:
        clock.advance(2 * MINUTE)
        await scene.take(scene.at(local, payload))
        async with reading() as connection:
            return await connection.scalar(sa.select(HOMES.c.last_seen_at))

    assert await seen_after("plug/set", "ON") == first
    assert await seen_after("hearthline/panel/status/state", "calm") == first
    assert await seen_after("homeassistant/device/hearthline_panel/config", "{}") == first
    assert await seen_after("hearthline/panel/help/press", "PRESS") == clock.now()
    assert await seen_after("zigbee2mqtt/bridge/logging", "fine") == clock.now()


async def test_a_sensor_that_only_ever_says_on_goes_off_by_itself(scene: Scene, clock: ManualClock) -> None:
    vibration = await homes.entity(scene.device, config={"state_topic": "v/state", "off_delay": 30}, role="other")
    scene.inbox = type(scene.inbox)()
    await scene.say(vibration, "ON")
    clock.advance(29 * SECOND)
    await scene.say(vibration, "ON")
    clock.advance(29 * SECOND)
    assert await jobs.look_at_states() == 1
    assert (await state_of(vibration)).state == "on"
    clock.advance(SECOND)
    scene.told.clear()
    assert await jobs.look_at_states() == 1
    assert [(change.old, change.new, change.is_fresh) for change in scene.told] == [("on", "off", True)]
    assert (await state_of(vibration)).look_at is None


async def test_what_was_not_heard_for_too_long_is_gone_and_its_last_state_stays(
    scene: Scene, clock: ManualClock
) -> None:
    leak = await homes.entity(scene.device, expire_after=timedelta(seconds=100), role="water")
    scene.inbox = type(scene.inbox)()
    await scene.say(leak, "OFF")
    for _ in range(4):
        clock.advance(99 * SECOND)
        await scene.say(leak, "OFF")
        assert await jobs.look_at_states() in (0, 1)
        assert (await state_of(leak)).is_available
    clock.advance(125 * SECOND)
    scene.told.clear()
    await jobs.look_at_states()
    assert [(change.attribute, change.new) for change in scene.told] == [("availability", "offline")]
    state = await state_of(leak)
    assert (state.is_available, state.state) == (False, "off")
    assert [row.state for row in await readings_of(leak)] == ["off", None]
    told = await scene.say(leak, "ON")
    assert [(change.attribute, change.new) for change in told] == [("availability", "online"), ("state", "on")]
    assert [row.state for row in await readings_of(leak)] == ["off", None, "on"]


async def test_a_device_that_is_offline_keeps_its_state_and_coming_back_is_no_happening(
    scene: Scene, clock: ManualClock
) -> None:
    door = await homes.entity(
        scene.device, config={"state_topic": "d/state", "availability_topic": "d/there"}, role="door"
    )
    scene.inbox = type(scene.inbox)()
    await scene.say(door, "ON")
    clock.advance(MINUTE)
    told = await scene.say(door, "offline", topic="availability_topic")
    assert [(change.attribute, change.old, change.new) for change in told] == [("availability", "online", "offline")]
    clock.advance(MINUTE)
    told = await scene.take(scene.message(door, "online", "availability_topic"), scene.message(door, "ON"))
    assert [(change.attribute, change.new) for change in told] == [("availability", "online")]
    assert [row.state for row in await readings_of(door)] == ["on", None, "on"]


async def test_which_word_was_the_latest_is_known_after_it_was_stored_too(scene: Scene, clock: ManualClock) -> None:
    topics = [{"topic": "d/bridge-of-the-device"}, {"topic": "d/self"}]
    door = await homes.entity(
        scene.device,
        config={"state_topic": "d/state", "availability": topics, "availability_mode": "latest"},
        role="door",
    )
    scene.inbox = type(scene.inbox)()
    await scene.say(door, "ON")
    await scene.take(scene.at("d/bridge-of-the-device", "online"), scene.at("d/self", "offline"))
    assert not (await state_of(door)).is_available
    clock.advance(MINUTE)
    assert await scene.say(door, "ON", retained=True) == []
    assert not (await state_of(door)).is_available


async def test_a_battery_is_noted_though_the_first_try_to_store_it_failed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    battery = await homes.entity(
        scene.device, "sensor", device_class="battery", state_class="measurement", unit="%", role="battery"
    )
    scene.inbox = type(scene.inbox)()
    await scene.say(scene.motion, "OFF")

    async def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    with monkeypatch.context() as broken:
        broken.setattr(followers, "FOLLOWERS", (fail,))
        with pytest.raises(RuntimeError):
            await scene.inbox.take([scene.message(battery, "9")])
    await scene.say(battery, "9")
    async with reading() as connection:
        assert await connection.scalar(sa.select(DEVICES.c.battery).where(DEVICES.c.id == scene.device.id)) == 9


async def test_a_thing_that_lay_in_a_drawer_for_a_season_is_understood_again(scene: Scene, clock: ManualClock) -> None:
    await scene.say(scene.warmth, "21.0")  # held back: it comes too soon after the first
    await _set(scene.warmth, state="removed", removed_at=clock.now())
    clock.advance(MINUTE)
    await jobs.look_at_states()
    clock.advance(timedelta(days=150))
    await partitions.maintain_partitions()
    await _set(scene.warmth, state="active", removed_at=None)
    scene.inbox = type(scene.inbox)()
    await scene.say(scene.warmth, "21.0")
    assert (await readings_of(scene.warmth))[-1].at == clock.now()


async def _set(entity: HomeEntity, **values: object) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.update(ENTITIES).where(ENTITIES.c.id == entity.id).values(**values))
        await session.execute(sa.update(HOMES).values(registry_version=HOMES.c.registry_version + 1))


async def test_a_press_that_was_never_stored_counts_though_it_comes_again(scene: Scene) -> None:
    button = await homes.entity(
        scene.device, "event", role="sos_button", config={"state_topic": "b/event", "event_types": ["single"]}
    )
    scene.inbox = type(scene.inbox)()
    (change,) = await scene.say(button, '{"event_type": "single"}', repeated=True)
    assert change.is_fresh


async def test_what_another_gateway_heard_earlier_is_kept_and_is_no_news(scene: Scene, clock: ManualClock) -> None:
    earlier = clock.now() + SECOND
    clock.advance(MINUTE)
    await scene.say(scene.motion, "OFF", "ON")
    assert await scene.say(scene.motion, "OFF", when=earlier) == []
    assert (await state_of(scene.motion)).state == "on"
    assert [row.state for row in await readings_of(scene.motion)] == ["off", "off", "on"]


async def test_dangers_wait_for_no_batch(scene: Scene) -> None:
    assert scene.inbox.is_urgent(scene.message(scene.smoke, "ON"))
    assert not scene.inbox.is_urgent(scene.message(scene.smoke, "ON", retained=True))
    assert not scene.inbox.is_urgent(scene.message(scene.motion, "ON"))
    assert scene.inbox.is_urgent(scene.at("hearthline/panel/sos/press", "PRESS"))


async def test_of_a_home_that_is_not_read_yet_nothing_is_left_out(scene: Scene) -> None:
    motion, smoke = scene.message(scene.motion, "ON", qos=0), scene.message(scene.smoke, "ON", qos=0)
    assert scene.inbox.may_be_overtaken(motion)
    assert not scene.inbox.may_be_overtaken(smoke)
    assert not scene.inbox.may_be_overtaken(scene.at("hearthline/panel/sos/press", "PRESS"))
    just_started = type(scene.inbox)()
    assert not any(just_started.may_be_overtaken(one) for one in (motion, smoke))


async def test_a_danger_counts_whatever_another_gateways_clock_said_before(scene: Scene, clock: ManualClock) -> None:
    await scene.take(scene.message(scene.smoke, "ON", when=clock.now() + timedelta(hours=2)))
    await scene.take(scene.message(scene.smoke, "OFF", when=clock.now() + timedelta(hours=2)))
    [change] = await scene.take(scene.message(scene.smoke, "ON"))
    assert (change.old, change.new, change.is_fresh) == ("off", "on", True)
    assert await scene.take(scene.message(scene.motion, "ON", when=clock.now() + timedelta(hours=2))) != []
    assert await scene.take(scene.message(scene.motion, "OFF")) == []
