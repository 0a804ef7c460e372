"""What is in the made-up home, how an ordinary day goes there, and what may happen besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Final

PLUG: Final = "stove-plug"


@dataclass(frozen=True, slots=True)
class Part:
    """Something of a device that is announced by itself: ``reads`` is the key of its value in the device's state."""

    component: str
    reads: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """A device behind a Zigbee stick: its name is its topic."""

    name: str
    address: str
    room: str
    model: str
    parts: tuple[Part, ...]
    begins: Mapping[str, object]
    takes_commands: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """What changes at a time of the day: of which device, and into what."""

    at: time
    device: str
    becomes: Mapping[str, object]


def _binary(reads: str, device_class: str) -> Part:
    return Part("binary_sensor", reads, {"device_class": device_class, "payload_on": True, "payload_off": False})


def _measure(reads: str, device_class: str, unit: str) -> Part:
    values = {"device_class": device_class, "unit_of_measurement": unit, "state_class": "measurement"}
    return Part("sensor", reads, values)


_BATTERY: Final = Part(
    "sensor",
    "battery",
    {"device_class": "battery", "unit_of_measurement": "%", "entity_category": "diagnostic"},
)
_LINK: Final = Part("sensor", "linkquality", {"unit_of_measurement": "lqi", "entity_category": "diagnostic"})


def _motion(number: int, room: str) -> Device:
    parts = (_binary("occupancy", "motion"), _measure("illuminance", "illuminance", "lx"), _BATTERY, _LINK)
    begins = {"occupancy": False, "illuminance": 12, "battery": 91 - number, "linkquality": 120 + number}
    return Device(f"{room} motion", f"0x00158d00010000{number:02x}", room, "Motion sensor", parts, begins)


DEVICES: Final[tuple[Device, ...]] = (
    *(_motion(number, room) for number, room in enumerate(("Bedroom", "Bathroom", "Hall", "Kitchen", "Living room"))),
    Device(
        "Bed",
        "0x00158d0001000010",
        "Bedroom",
        "Bed sensor",
        (_binary("occupancy", "occupancy"), _BATTERY, _LINK),
        {"occupancy": True, "battery": 78, "linkquality": 96},
    ),
    Device(
        "Front door",
        "0x00158d0001000011",
        "Hall",
        "Door sensor",
        (
            Part("binary_sensor", "contact", {"device_class": "door", "payload_on": False, "payload_off": True}),
            _BATTERY,
            _LINK,
        ),
        {"contact": True, "battery": 84, "linkquality": 110},
    ),
    Device(
        "Front door lock",
        "0x00158d0001000012",
        "Hall",
        "Door lock",
        (
            Part(
                "lock",
                "state",
                {
                    "state_locked": "LOCK",
                    "state_unlocked": "UNLOCK",
                    "payload_lock": "LOCK",
                    "payload_unlock": "UNLOCK",
                },
            ),
            _BATTERY,
        ),
        {"state": "LOCK", "battery": 66, "linkquality": 104},
        takes_commands=True,
    ),
    Device(
        "Hall light",
        "0x00158d0001000013",
        "Hall",
        "Ceiling light",
        (Part("light", "state", {"schema": "json", "brightness": True, "supported_color_modes": ["brightness"]}),),
        {"state": "OFF", "brightness": 0, "linkquality": 140},
        takes_commands=True,
    ),
    Device(
        "Kitchen smoke",
        "0x00158d0001000014",
        "Kitchen",
        "Smoke detector",
        (_binary("smoke", "smoke"), _BATTERY, _LINK),
        {"smoke": False, "battery": 97, "linkquality": 101},
    ),
    Device(
        "Kitchen water",
        "0x00158d0001000015",
        "Kitchen",
        "Water leak sensor",
        (_binary("water_leak", "moisture"), _BATTERY, _LINK),
        {"water_leak": False, "battery": 88, "linkquality": 99},
    ),
    Device(
        "Bathroom fall",
        "0x00158d0001000016",
        "Bathroom",
        "Fall detector",
        (Part("binary_sensor", "fall", {"payload_on": True, "payload_off": False, "name": "Fall"}), _LINK),
        {"fall": False, "linkquality": 131},
    ),
    Device(
        "Pendant",
        "0x00158d0001000017",
        "Bedroom",
        "SOS button",
        (Part("event", "action", {"event_types": ["sos"], "device_class": "button", "name": "SOS"}), _BATTERY, _LINK),
        {"battery": 95, "linkquality": 92},
    ),
    Device(
        "Living room climate",
        "0x00158d0001000018",
        "Living room",
        "Temperature and humidity sensor",
        (_measure("temperature", "temperature", "°C"), _measure("humidity", "humidity", "%"), _BATTERY, _LINK),
        {"temperature": 20.6, "humidity": 48, "battery": 73, "linkquality": 117},
    ),
)

_OFF: Final = {"occupancy": False}
_ON: Final = {"occupancy": True}
_OPEN: Final = {"contact": False}
_SHUT: Final = {"contact": True}


def _seen(hour: int, minute: int, room: str, minutes: int = 2) -> tuple[Moment, Moment]:
    """Return that somebody moves in a room and, so many minutes later, no longer does."""
    ends = hour * 60 + minute + minutes
    device = f"{room} motion"
    return Moment(time(hour, minute), device, _ON), Moment(time(ends // 60 % 24, ends % 60), device, _OFF)


EVENTS: Final[tuple[Moment, ...]] = tuple(
    sorted(
        (
            *_seen(2, 40, "Hall"),
            Moment(time(2, 39), "Bed", _OFF),
            *_seen(2, 42, "Bathroom", 5),
            Moment(time(2, 50), "Bed", _ON),
            Moment(time(7, 12), "Bed", _OFF),
            *_seen(7, 13, "Bedroom"),
            *_seen(7, 16, "Bathroom", 12),
            *_seen(7, 31, "Kitchen", 24),
            Moment(time(7, 33), PLUG, {"state": "ON", "power": 1180.0}),
            Moment(time(7, 48), PLUG, {"state": "OFF", "power": 0.0}),
            *_seen(8, 5, "Living room", 50),
            Moment(time(9, 0), "Living room climate", {"temperature": 21.4, "humidity": 46}),
            Moment(time(10, 1), "Front door", _OPEN),
            Moment(time(10, 2), "Front door", _SHUT),
            Moment(time(11, 28), "Front door", _OPEN),
            Moment(time(11, 29), "Front door", _SHUT),
            *_seen(11, 30, "Hall"),
            *_seen(11, 40, "Kitchen", 55),
            Moment(time(11, 45), PLUG, {"state": "ON", "power": 1460.0}),
            Moment(time(12, 20), PLUG, {"state": "OFF", "power": 0.0}),
            *_seen(12, 50, "Living room", 20),
            Moment(time(13, 15), "Bed", _ON),
            Moment(time(14, 25), "Bed", _OFF),
            *_seen(14, 26, "Bedroom"),
            *_seen(14, 40, "Bathroom", 6),
            *_seen(15, 0, "Living room", 55),
            Moment(time(16, 0), "Living room climate", {"temperature": 22.3, "humidity": 44}),
            *_seen(17, 50, "Kitchen", 40),
            Moment(time(18, 0), PLUG, {"state": "ON", "power": 990.0}),
            Moment(time(18, 20), PLUG, {"state": "OFF", "power": 0.0}),
            *_seen(19, 0, "Living room", 55),
            Moment(time(20, 30), "Hall light", {"state": "ON", "brightness": 180}),
            *_seen(21, 40, "Bathroom", 15),
            Moment(time(22, 0), "Hall light", {"state": "OFF", "brightness": 0}),
            *_seen(22, 2, "Bedroom"),
            Moment(time(22, 10), "Bed", _ON),
        ),
        key=lambda moment: moment.at,
    )
)
"""What happens on an ordinary day, by the clock on the wall."""

REPORTS: Final = tuple(Moment(at, device.name, {}) for at in (time(6, 5), time(18, 5)) for device in DEVICES)
"""Twice a day everything with a battery says how it stands, whether or not anything changed."""
_METERED: Final = tuple(Moment(time(hour, minute), PLUG, {}) for hour in range(24) for minute in range(0, 60, 10))

DAY: Final[tuple[Moment, ...]] = tuple(sorted((*EVENTS, *REPORTS, *_METERED), key=lambda moment: moment.at))
"""All that is said on an ordinary day: a meter says something every ten minutes, so that the home is never silent."""

HAPPENINGS: Final[Mapping[str, tuple[tuple[str, Mapping[str, object]], ...]]] = {
    "fall": (("Bathroom motion", _ON), ("Bathroom fall", {"fall": True})),
    "smoke": (("Kitchen smoke", {"smoke": True}),),
    "smoke-over": (("Kitchen smoke", {"smoke": False}),),
    "water": (("Kitchen water", {"water_leak": True}),),
    "sos": (("Pendant", {"action": "sos"}),),
    "door": (("Front door", _OPEN),),
    "stove": ((PLUG, {"state": "ON", "power": 1850.0}),),
    "getting-up": (("Bed", _OFF), ("Bedroom motion", _ON)),
}
"""What may happen besides, by name: which devices say what, in this order."""
