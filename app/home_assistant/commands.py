"""What an entity can be told to do, and what is published for it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.home_assistant.abbreviations import KNOWN
from app.home_assistant.orderings import climate, lights, openings, switching
from app.home_assistant.orders import Orders, checked, may_be_kept
from app.home_assistant.reading import topics_of
from app.home_assistant.shapes import NotPossible, Publication
from app.home_assistant.sources import Config

_FAMILIES: Final[Mapping[str, Callable[[Config], Orders]]] = {
    "alarm_control_panel": switching.alarm_control_panel,
    "button": switching.button,
    "climate": climate.climate,
    "cover": openings.cover,
    "fan": climate.fan,
    "humidifier": climate.humidifier,
    "light": lights.light,
    "lock": openings.lock,
    "notify": switching.notify,
    "number": switching.number,
    "scene": switching.scene,
    "select": switching.select,
    "siren": switching.siren,
    "switch": switching.on_off,
    "text": switching.text,
    "update": switching.update,
    "vacuum": climate.vacuum,
    "valve": openings.valve,
    "water_heater": climate.water_heater,
}
_ANY: Final[Config] = {
    **{key: "any" for key in KNOWN if key.endswith("topic")},
    "brightness": True,
    "effect": True,
    "payload_install": "any",
    "payload_open": "OPEN",
    "supported_features": [*climate.VACUUM_FEATURES, *(f"arm_{mode}" for mode in switching.ARMED)],
}


def commands(component: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the commands an entity takes, by Home Assistant's service names without its component's (``open``)."""
    return tuple(_orders(component, config))


def arguments_schema(component: str, command: str, config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a command's arguments, for one entity or, without its configuration, for any.

    Raises ``NotPossible`` with ``unknown_command``.
    """
    order = _orders(component, _ANY if config is None else config).get(command)
    if order is None:
        raise NotPossible("unknown_command")
    return {
        "type": "object",
        "properties": dict(order.takes),
        "required": list(order.needs),
        "additionalProperties": False,
    }


def publication(component: str, config: Mapping[str, Any], command: str, arguments: Mapping[str, Any]) -> Publication:
    """Return what is to be published for a command; what is in ``then`` goes after it, in that order.

    Raises ``NotPossible`` with ``unknown_command``, ``unknown_argument``, ``missing_argument``, ``bad_argument`` or a
    word that says why the device's own template makes nothing of it.
    """
    order = _orders(component, config).get(command)
    if order is None:
        raise NotPossible("unknown_command")
    made = order.make(checked(order, arguments))
    told = frozenset[str]().union(*topics_of(component, config).values())
    qos = config.get("qos")
    how: dict[str, Any] = {
        "qos": qos if qos in (0, 1, 2) and not isinstance(qos, bool) else 0,
        "retain": may_be_kept(component, config),
    }
    return replace(
        made,
        **how,
        expected={role: value for role, value in made.expected.items() if role in told},
        then=tuple(replace(part, **how) for part in made.then),
    )


def _orders(component: str, config: Config) -> Orders:
    family = _FAMILIES.get(component)
    return family(config) if family is not None else {}
