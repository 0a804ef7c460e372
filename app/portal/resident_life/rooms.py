"""What the house says, room by room, in words; what is not understood is left out, and what is not heard of is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = Mapping[str, Any]
Kind = Literal["light", "switch", "lock", "cover", "opening", "climate", "temperature", "humidity", "hazard"]

_HAZARDS: Final = frozenset({"smoke", "gas", "carbon_monoxide", "water"})
_OPENINGS: Final = frozenset({"door", "window"})
_OPENING_CLASSES: Final = frozenset({"door", "garage_door", "opening", "window"})
_BY_COMPONENT: Final[Mapping[str, Kind]] = {
    "light": "light",
    "switch": "switch",
    "fan": "switch",
    "lock": "lock",
    "cover": "cover",
    "valve": "cover",
    "climate": "climate",
}
_UNKNOWN: Final = frozenset({None, "", "unknown", "unavailable"})
DEGREE: Final = 1.0
"""By how much one press makes a room warmer or cooler."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with a thing: the API's name of it, and the key of the words on its button."""

    command: str
    says: str
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a room: what it is called, how it stands as a key of the words, and what can be done."""

    id: str
    kind: Kind
    name: str | None
    stands: str
    number: float | None = None
    unit: str = ""
    target: float | None = None
    acts: Sequence[Act] = ()
    is_heard: bool = True

    @property
    def is_alarming(self) -> bool:
        """Say whether it reports a danger."""
        return self.kind == "hazard" and self.stands == "hazard_on"


@dataclass(slots=True)
class Room:
    """A room of the home, or what is in none."""

    kind: str
    name: str | None
    things: list[Thing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Summary:
    """A home in one look: what is open, what is not locked, what is on, and what is not heard of."""

    open: int
    unlocked: int
    on: int
    unheard: int
    knows_openings: bool
    dangers: Sequence[Thing]


def rooms_of(
    rooms: Iterable[Json], devices: Iterable[Json], entities: Iterable[Json], states: Iterable[Json]
) -> list[Room]:
    """Return the rooms in which there is something to say, in the order of the home, what is in none of them last."""
    found = {one["id"]: Room(one["kind"], one["name"]) for one in rooms}
    nowhere = Room("other", None)
    known_devices = {one["id"]: one for one in devices}
    known_states = {one["entity_id"]: one for one in states}
    for entity in entities:
        if entity["state"] != "active" or entity["category"] is not None:
            continue
        device = known_devices.get(entity["device_id"])
        if device is None or device["state"] != "active":
            continue
        thing = thing_of(entity, device, known_states.get(entity["id"]))
        if thing is not None:
            found.get(device["room_id"], nowhere).things.append(thing)
    return [room for room in (*found.values(), nowhere) if room.things]


def kind_of(entity: Json) -> Kind | None:
    """Return what a thing is to who lives with it; ``None`` for what says nothing to them."""
    component, role, device_class = entity["component"], entity["role"], entity["device_class"]
    if component in _BY_COMPONENT:
        return _BY_COMPONENT[component]
    if component == "binary_sensor":
        if role in _HAZARDS:
            return "hazard"
        return "opening" if role in _OPENINGS or device_class in _OPENING_CLASSES else None
    if component == "sensor" and "temperature" in (role, device_class):
        return "temperature"
    return "humidity" if component == "sensor" and "humidity" in (role, device_class) else None


def thing_of(entity: Json, device: Json, state: Json | None) -> Thing | None:
    """Return a thing as it stands; one that was never heard of, or is not there, stands as nobody knows."""
    kind = kind_of(entity)
    if kind is None:
        return None
    value = None if state is None else state["state"]
    is_heard = state is not None and state["is_available"] and value not in _UNKNOWN
    attributes = (state or {}).get("attributes") or {}
    stands = _stands(kind, str(value)) if is_heard else "unheard"
    return Thing(
        id=entity["id"],
        kind=kind,
        name=name_of(entity, device),
        stands=stands,
        number=_number(kind, state, attributes) if is_heard else None,
        unit=entity["unit"] or ("°C" if kind in ("climate", "temperature") else ""),
        target=_float(attributes.get("temperature")) if kind == "climate" and is_heard else None,
        acts=_acts(kind, stands, attributes),
        is_heard=is_heard,
    )


def _stands(kind: Kind, value: str) -> str:
    if kind in ("temperature", "humidity"):
        return "measured"
    if kind == "climate":
        return "climate_off" if value == "off" else "climate_on"
    if kind == "lock":
        return f"lock_{value}" if value in ("locked", "unlocked", "jammed") else "lock_moving"
    if kind == "cover":
        return f"cover_{value}" if value in ("open", "closed") else "cover_moving"
    return f"{kind}_on" if value == "on" else f"{kind}_off"


def _number(kind: Kind, state: Json | None, attributes: Json) -> float | None:
    if kind == "climate":
        return _float(attributes.get("current_temperature"))
    return None if state is None else _float(state["number"])


def _float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _acts(kind: Kind, stands: str, attributes: Json) -> list[Act]:
    if kind in ("light", "switch"):
        on, off = Act("turn_on", "switch_on"), Act("turn_off", "switch_off")
        return [off] if stands.endswith("_on") else [on] if stands.endswith("_off") else [off, on]
    if kind == "lock":
        lock, unlock = Act("lock", "do_lock"), Act("unlock", "do_unlock")
        return [unlock] if stands == "lock_locked" else [lock] if stands == "lock_unlocked" else [lock, unlock]
    if kind == "cover":
        shut, open_up = Act("close", "do_close"), Act("open", "do_open")
        return [open_up] if stands == "cover_closed" else [shut] if stands == "cover_open" else [shut, open_up]
    target = _float(attributes.get("temperature"))
    if kind == "climate" and target is not None and stands == "climate_on":
        warmer = Act("set_temperature", "warmer", target + DEGREE)
        return [warmer, Act("set_temperature", "cooler", target - DEGREE)]
    return []


def summary(rooms: Iterable[Room]) -> Summary:
    """Return a home in one look."""
    things = [thing for room in rooms for thing in room.things]
    return Summary(
        open=sum(one.stands in ("opening_on", "cover_open") and one.kind == "opening" for one in things),
        unlocked=sum(one.stands == "lock_unlocked" for one in things),
        on=sum(one.stands in ("light_on", "switch_on") for one in things),
        unheard=sum(not one.is_heard for one in things),
        knows_openings=any(one.kind == "opening" and one.is_heard for one in things),
        dangers=[one for one in things if one.is_alarming],
    )


def name_of(entity: Json, device: Json) -> str | None:
    """Return what a thing is called: as its people call it, or its device, or as it was made."""
    name: str | None = entity["given_name"] or device.get("given_name") or entity["name"] or device.get("name")
    return name


def places(rooms: Iterable[Json], devices: Iterable[Json], entities: Iterable[Json]) -> dict[str, Json]:
    """Return the room each thing is in, by the thing's id."""
    known = {one["id"]: one for one in rooms}
    where = {one["id"]: known.get(one["room_id"]) for one in devices}
    found = ((one["id"], where.get(one["device_id"])) for one in entities)
    return {thing: room for thing, room in found if room is not None}
