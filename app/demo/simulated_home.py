"""A home that is made up: what it announces, what it says when something happens, how it answers commands.

It speaks as homes do: sensors as zigbee2mqtt announces them, a plug as ESPHome does, a thermostat as one device with
all its parts. Topics are those inside the home; whoever sends them puts the home's prefix before them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.demo.simulated_days import DEVICES, HAPPENINGS, PLUG, Device

_PREFIX: Final = "homeassistant"
_BASE: Final = "zigbee2mqtt"
_THERMOSTAT: Final = "thermostat"


@dataclass(frozen=True, slots=True)
class Said:
    """A message as the home's own broker hears it."""

    topic: str
    payload: bytes
    is_retained: bool = False


class SimulatedHome:
    """A home as it stands; what it says is returned, for the caller to send."""

    def __init__(self) -> None:
        self._states: dict[str, dict[str, object]] = {device.name: dict(device.begins) for device in DEVICES}
        self._states[PLUG] = {"state": "OFF", "power": 0.0, "energy": 1264.2}
        self._states[_THERMOSTAT] = {"mode": "heat", "target": 21.0, "current": 20.6}

    def announce(self) -> list[Said]:
        """Return all that a hub says when it comes back: what there is, and how it stands, retained."""
        said = [config for device in DEVICES for config in _configs(device)]
        said += [*_plug_configs(), _thermostat_config()]
        said += [
            Said(f"{_BASE}/{device.name}/availability", orjson.dumps({"state": "online"}), is_retained=True)
            for device in DEVICES
        ]
        said += [Said(f"{PLUG}/status", b"online", is_retained=True)]
        for device in DEVICES:
            said.append(self._zigbee(device.name, is_retained=True))
        return [*said, *self._plug(is_retained=True), *self._thermostat(is_retained=True)]

    def withdraw(self) -> list[Said]:
        """Return what takes back everything it announced."""
        configs = [said for said in self.announce() if said.topic.endswith("/config")]
        return [Said(said.topic, b"", is_retained=True) for said in configs]

    def change(self, device: str, becomes: Mapping[str, object]) -> list[Said]:
        """Return what is said when a device's state changes; raises ``KeyError`` for one it does not have."""
        momentary = {key: value for key, value in becomes.items() if key == "action"}
        self._states[device].update({key: value for key, value in becomes.items() if key not in momentary})
        if device == PLUG:
            return self._plug()
        if device == _THERMOSTAT:
            return self._thermostat()
        return [self._zigbee(device, momentary)]

    def happen(self, what: str) -> list[Said]:
        """Return what is said when something happens (see ``HAPPENINGS``); raises ``KeyError`` for what it cannot."""
        return [said for device, becomes in HAPPENINGS[what] for said in self.change(device, becomes)]

    def calm(self, what: str) -> list[Said]:
        """Return what is said of how things stood before something happened; raises ``KeyError`` as ``happen`` does."""
        begins = {device.name: device.begins for device in DEVICES} | {PLUG: {"state": "OFF", "power": 0.0}}
        return [said for device, _ in HAPPENINGS[what] for said in self.change(device, begins[device])]

    def answer(self, topic: str, payload: bytes) -> list[Said]:
        """Return what is said once a command was obeyed; nothing for what is no command to this home."""
        for device in DEVICES:
            if device.takes_commands and topic == f"{_BASE}/{device.name}/set":
                return self.change(device.name, _wanted(payload))
        if topic == f"{PLUG}/switch/stove/command" and payload in {b"ON", b"OFF"}:
            return self.change(PLUG, {"state": payload.decode(), "power": 1180.0 if payload == b"ON" else 0.0})
        if topic == f"{_THERMOSTAT}/mode/set":
            return self.change(_THERMOSTAT, {"mode": payload.decode(errors="replace")})
        if topic == f"{_THERMOSTAT}/target/set":
            return self.change(_THERMOSTAT, {"target": float(payload)})
        return []

    def _zigbee(self, name: str, momentary: Mapping[str, object] | None = None, *, is_retained: bool = False) -> Said:
        state = self._states[name] | dict(momentary or {})
        return Said(f"{_BASE}/{name}", orjson.dumps(state), is_retained)

    def _plug(self, *, is_retained: bool = False) -> list[Said]:
        state = self._states[PLUG]
        return [
            Said(f"{PLUG}/switch/stove/state", str(state["state"]).encode(), is_retained),
            Said(f"{PLUG}/sensor/stove_power/state", str(state["power"]).encode(), is_retained),
            Said(f"{PLUG}/sensor/stove_energy/state", str(state["energy"]).encode(), is_retained),
        ]

    def _thermostat(self, *, is_retained: bool = False) -> list[Said]:
        state = self._states[_THERMOSTAT]
        return [Said(f"{_THERMOSTAT}/{key}", str(value).encode(), is_retained) for key, value in state.items()]


COMMAND_TOPICS: Final = (f"{_BASE}/+/set", f"{PLUG}/switch/+/command", f"{_THERMOSTAT}/+/set")
"""What a simulated home listens to."""


def _wanted(payload: bytes) -> dict[str, object]:
    """Return what a command to a Zigbee device sets: an object, or the bare state."""
    try:
        wanted = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {"state": payload.decode(errors="replace")}
    return wanted if isinstance(wanted, dict) else {"state": str(wanted)}


def _configs(device: Device) -> Iterable[Said]:
    topic = f"{_BASE}/{device.name}"
    for part in device.parts:
        identity = f"{device.address}_{part.reads}_{_BASE}"
        config: dict[str, Any] = {
            "name": None if len(device.parts) == 1 else part.reads.replace("_", " ").capitalize(),
            "unique_id": identity,
            "state_topic": topic,
            "availability": [
                {"topic": f"{topic}/availability", "value_template": "{{ value_json.state }}"},
            ],
            "device": {
                "identifiers": [f"{_BASE}_{device.address}"],
                "name": device.name,
                "manufacturer": "Hearthline",
                "model": device.model,
                "suggested_area": device.room,
            },
            "origin": {"name": "Zigbee2MQTT", "sw": "2.5.1"},
            **part.values,
        }
        if part.component == "event":
            # An event says what happened of itself; a state without one says nothing.
            config["value_template"] = (
                '{{ {"event_type": value_json.action} | to_json if value_json.action is defined else "" }}'
            )
        elif config.get("schema") != "json":
            config["value_template"] = f"{{{{ value_json.{part.reads} }}}}"
        if device.takes_commands:
            config["command_topic"] = f"{topic}/set"
        yield Said(f"{_PREFIX}/{part.component}/{device.address}/{part.reads}/config", orjson.dumps(config), True)


def _plug_configs() -> list[Said]:
    """As ESPHome announces a plug: short keys, a base topic, a device by its network address."""
    device = {
        "ids": "5ccf7f000001",
        "cns": [["mac", "5c:cf:7f:00:00:01"]],
        "name": "Stove plug",
        "mf": "Hearthline",
        "mdl": "Plug with meter",
        "sa": "Kitchen",
    }
    shared = {"~": PLUG, "avty_t": "~/status", "dev": device}
    parts: dict[str, dict[str, object]] = {
        "switch/stove-plug/stove": {
            "name": "Stove",
            "stat_t": "~/switch/stove/state",
            "cmd_t": "~/switch/stove/command",
            "uniq_id": "ESPswitchstove",
            "dev_cla": "outlet",
        },
        "sensor/stove-plug/stove_power": {
            "name": "Stove power",
            "stat_t": "~/sensor/stove_power/state",
            "uniq_id": "ESPsensorstove_power",
            "dev_cla": "power",
            "unit_of_meas": "W",
            "stat_cla": "measurement",
        },
        "sensor/stove-plug/stove_energy": {
            "name": "Stove energy",
            "stat_t": "~/sensor/stove_energy/state",
            "uniq_id": "ESPsensorstove_energy",
            "dev_cla": "energy",
            "unit_of_meas": "kWh",
            "stat_cla": "total_increasing",
        },
    }
    return [
        Said(f"{_PREFIX}/{topic}/config", orjson.dumps(shared | config), is_retained=True)
        for topic, config in parts.items()
    ]


def _thermostat_config() -> Said:
    """As one device with all its parts."""
    config = {
        "dev": {"ids": ["thermostat-1"], "name": "Thermostat", "mf": "Hearthline", "sa": "Living room"},
        "o": {"name": "hearthline"},
        "cmps": {
            "heating": {
                "p": "climate",
                "name": "Heating",
                "uniq_id": "thermostat-1-heating",
                "modes": ["off", "heat"],
                "mode_stat_t": f"{_THERMOSTAT}/mode",
                "mode_cmd_t": f"{_THERMOSTAT}/mode/set",
                "temp_stat_t": f"{_THERMOSTAT}/target",
                "temp_cmd_t": f"{_THERMOSTAT}/target/set",
                "curr_temp_t": f"{_THERMOSTAT}/current",
                "min_temp": 7,
                "max_temp": 26,
                "temp_step": 0.5,
            }
        },
    }
    return Said(f"{_PREFIX}/device/thermostat-1/config", orjson.dumps(config), is_retained=True)
