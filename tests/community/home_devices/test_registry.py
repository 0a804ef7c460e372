"""Whatever the order in which a hub describes its devices, the registry is the same: nothing twice, nothing mixed."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.home_assistant.api import DeviceConfig, Discovered, EntityConfig
from community.home_devices.rules.registry import Part, Registry, Room, Told

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

_names = st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3)
_described = st.lists(st.tuples(_names, st.sets(st.sampled_from(["mac:1", "mac:2", "mac:3"]), max_size=1)), max_size=8)


def told(number: int, identifiers: Iterable[str], connections: Iterable[str] = ()) -> Told:
    """Return what is described at a topic: a device with these names and one entity."""
    entity = EntityConfig("sensor", f"o{number}", f"u{number}", f"u{number}")
    device = DeviceConfig(tuple(sorted(identifiers)), tuple(sorted(connections)))
    return Told(f"topic{number}", bytes([number]), b"x", Discovered(device=device, entities=(entity,)))


def removal(number: int) -> Told:
    """Return that nothing is described at a topic any more."""
    return Told(f"topic{number}", b"", b"", Discovered(is_removal=True))


def empty(**options: int) -> Registry:
    """Return the registry of a home that has nothing yet."""
    return Registry([], [], [], now=NOW, new_id=clock.new_id, room=Room(**options))


def shape(registry: Registry) -> set[tuple[frozenset[str], frozenset[str], frozenset[str]]]:
    """Return which entities are of one device, and by what it is known."""
    by_device: dict[uuid.UUID, set[str]] = {}
    for part in registry.parts.values():
        if part.is_active:
            by_device.setdefault(part.device_id, set()).add(part.key)
    return {
        (frozenset(keys), frozenset(registry.things[one].identifiers), frozenset(registry.things[one].connections))
        for one, keys in by_device.items()
    }


def rebuilt(registry: Registry) -> Registry:
    """Return the registry as it is read back: with what was stored, and nothing of how it came to be."""
    parts = [
        Part(one.id, one.component, one.key, one.device_id, one.topic, one.object_id, one.is_active)
        for one in registry.parts.values()
    ]
    things = [one for one in registry.things.values() if one.is_active]
    return Registry(things, parts, registry.topics.values(), now=NOW, new_id=clock.new_id)


@given(_described, st.randoms(use_true_random=False))
def test_any_order_makes_the_same_registry(described: list[tuple[set[str], set[str]]], random: Random) -> None:
    all_of_it = [told(number, *names) for number, names in enumerate(described)]
    at_once = empty()
    at_once.take(all_of_it)
    shuffled = list(all_of_it)
    random.shuffle(shuffled)
    one_by_one = empty()
    for one in shuffled:
        one_by_one.take([one])
        one_by_one = rebuilt(one_by_one)
    assert shape(one_by_one) == shape(at_once)


@given(_described)
def test_devices_of_one_home_share_no_name(described: list[tuple[set[str], set[str]]]) -> None:
    registry = empty()
    registry.take(told(number, *names) for number, names in enumerate(described))
    known = [name for _, names, addresses in shape(registry) for name in (*names, *addresses)]
    assert len(known) == len(set(known))


@given(_described, st.randoms(use_true_random=False))
def test_describing_all_again_changes_no_identity(described: list[tuple[set[str], set[str]]], random: Random) -> None:
    all_of_it = [told(number, *names) for number, names in enumerate(described)]
    first = empty()
    first.take(all_of_it)
    ids = {key: (part.id, part.device_id) for key, part in first.parts.items()}
    again = rebuilt(first)
    random.shuffle(all_of_it)
    again.take(all_of_it)
    assert {key: (part.id, part.device_id) for key, part in again.parts.items()} == ids
    assert again.merged == {}


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_what_was_said_last_at_a_topic_holds(said: list[tuple[int, bool]]) -> None:
    registry = empty()
    there: dict[int, bool] = {}
    for number, is_there in said:
        registry.take([told(number, ["one"]) if is_there else removal(number)])
        there[number] = is_there
    active = {part.key for part in registry.parts.values() if part.is_active}
    assert active == {f"u{number}" for number, is_there in there.items() if is_there}


@given(_described, st.integers(0, 3), st.integers(0, 5))
def test_there_is_never_more_than_there_is_room_for(
    described: list[tuple[set[str], set[str]]], devices: int, entities: int
) -> None:
    registry = empty(devices=devices, entities=entities)
    registry.take(told(number, *names) for number, names in enumerate(described))
    assert len([part for part in registry.parts.values() if part.is_active]) <= entities
    assert len(shape(registry)) <= devices


def test_the_elder_device_lives_on_when_two_become_one() -> None:
    registry = empty()
    registry.take([told(0, ["a"]), told(1, ["b"])])
    elder, younger = sorted(registry.things)
    registry.take([told(2, ["a", "b"])])
    assert registry.merged == {younger: elder}
    assert {part.device_id for part in registry.parts.values()} == {elder}
