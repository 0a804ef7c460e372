"""What is often wanted of an older person's home: automations and a scene, with a few questions, in two languages."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from community.home_automations.rules.definitions import CommandGive, Definition, as_json

ParameterKind = Literal["entity", "entities", "accounts", "minutes", "degrees", "time"]
Values = Mapping[str, Any]
Texts = Mapping[str, str]


class NotFilledError(ValueError):
    """A template lacks an answer, or cannot use one; ``key`` says of which question."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Parameter:
    """A question of a template: what could be the answer by role or component, and what is taken without one."""

    key: str
    kind: ParameterKind
    text: Texts
    roles: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()
    default: str | float | None = None
    is_required: bool = True
    bounds: tuple[float, float] = (1, 240)


@dataclass(frozen=True, slots=True)
class Template:
    """Something that is often wanted: what it is called, what it asks, and what it makes of the answers."""

    key: str
    names: Texts
    text: Texts
    parameters: tuple[Parameter, ...]
    automation: Callable[[Values], dict[str, Any]] | None = None
    scene: Callable[[Values], list[dict[str, Any]]] | None = None

    def definition(self, values: Values) -> Definition:
        """Return the automation for the answers; raises ``NotFilledError``."""
        if self.automation is None:
            raise TypeError(f"{self.key} makes no automation")
        return Definition.model_validate(self.automation(self._filled(values)))

    def commands(self, values: Values) -> list[CommandGive]:
        """Return the scene's commands for the answers; raises ``NotFilledError``."""
        if self.scene is None:
            raise TypeError(f"{self.key} makes no scene")
        return [CommandGive.model_validate(one) for one in self.scene(self._filled(values))]

    def _filled(self, values: Values) -> Values:
        known = {one.key for one in self.parameters}
        for key in values:
            if key not in known:
                raise NotFilledError(key, "the template does not ask this")
        found = {one.key: _answer(one, values.get(one.key, one.default)) for one in self.parameters}
        for one in self.parameters:
            if one.is_required and found[one.key] in (None, []):
                raise NotFilledError(one.key, "this has to be said")
        return found


def _answer(one: Parameter, value: Any) -> Any:
    match one.kind:
        case "entities" | "accounts":
            return [_id(one, each) for each in (value if isinstance(value, list) else [value] if value else [])]
        case "entity":
            return None if value is None else _id(one, value)
        case "minutes" | "degrees":
            if not isinstance(value, (int, float)) or not one.bounds[0] <= value <= one.bounds[1]:
                raise NotFilledError(one.key, f"a number from {one.bounds[0]:g} to {one.bounds[1]:g}")
            return value
        case "time":
            if not isinstance(value, str) or len(value) != 5:
                raise NotFilledError(one.key, "a time like 22:30")
            return value


def _id(one: Parameter, value: Any) -> str:
    try:
        return str(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value)))
    except ValueError:
        raise NotFilledError(one.key, "an id") from None


def _minutes(value: float) -> str:
    return f"PT{round(value * 60)}S"


def _state(entity_id: str, to: str, held_for: str | None = None) -> dict[str, Any]:
    return {"kind": "state", "entity_id": entity_id, "to": to} | ({"held_for": held_for} if held_for else {})


def _command(entity_id: str, command: str, **arguments: Any) -> dict[str, Any]:
    return {"kind": "command", "entity_id": entity_id, "command": command, "arguments": arguments}


def _between(values: Values) -> dict[str, Any]:
    return {"kind": "time", "after": values["after"], "before": values["before"]}


def _tell(values: Values, text: str) -> dict[str, Any]:
    return {"kind": "notice", "text": text, "to_resident": True, "account_ids": values["people"]}


def _night_light(values: Values) -> dict[str, Any]:
    gets_up = [_state(values["bed"], "off")] if values["bed"] else []
    moves = [_state(one, "on") for one in values["motion"]]
    if not gets_up and not moves:
        raise NotFilledError("motion", "something has to notice that somebody gets up")
    return {
        "triggers": gets_up + moves,
        "conditions": [_between(values)],
        "actions": [
            _command(values["light"], "turn_on"),
            {"kind": "delay", "lasts": _minutes(values["minutes"])},
            _command(values["light"], "turn_off"),
        ],
    }


def _stove_off(values: Values) -> dict[str, Any]:
    held = _minutes(values["minutes"])
    nobody = {"kind": "state", "entity_id": values["motion"], "is": ["off"], "held_for": held}
    return {
        # Also for a stove that was left on when nobody had been there for a while, as after a power cut.
        "triggers": [_state(values["motion"], "off", held), _state(values["stove"], "on", held)],
        "conditions": [{"kind": "state", "entity_id": values["stove"], "is": ["on"]}, nobody],
        "actions": [_command(values["stove"], "turn_off"), _tell(values, "stove")],
    }


def _frost_guard(values: Values) -> dict[str, Any]:
    below = values["degrees"]
    cold = {"kind": "numeric", "entity_id": values["thermometer"], "below": below, "reset": below + 2}
    return {
        "triggers": [cold | {"held_for": "PT10M"}],
        "actions": [
            _command(values["heating"], "set_hvac_mode", hvac_mode="heat"),
            _command(values["heating"], "set_temperature", temperature=18),
            _tell(values, "temperature"),
        ],
    }


def _door_at_night(values: Values) -> dict[str, Any]:
    lights = [_command(one, "turn_on") for one in values["lights"]]
    return {
        "triggers": [_state(values["door"], "on", _minutes(values["minutes"]))],
        "conditions": [_between(values)],
        "actions": [*lights, _tell(values, "door")],
    }


def _water_valve(values: Values) -> dict[str, Any]:
    return {
        "triggers": [_state(one, "on") for one in values["leaks"]],
        "actions": [_command(values["valve"], "close"), _tell(values, "water")],
    }


def _good_night(values: Values) -> list[dict[str, Any]]:
    wishes = (("lights", "turn_off"), ("switches", "turn_off"), ("covers", "close"), ("locks", "lock"))
    found = [
        CommandGive.model_validate({"entity_id": one, "command": command})
        for key, command in wishes
        for one in values[key]
    ]
    if not found:
        raise NotFilledError("lights", "a scene does something")
    return [as_json(one) for one in found]


def _roles(*names: str) -> frozenset[str]:
    return frozenset(names)


_PEOPLE: Final = Parameter(
    "people", "accounts", {"en": "Who else is told?", "zh-CN": "还要通知谁？"}, is_required=False
)


def _nights(after: str, before: str) -> tuple[Parameter, Parameter]:
    return (
        Parameter("after", "time", {"en": "From when on?", "zh-CN": "从几点开始？"}, default=after),
        Parameter("before", "time", {"en": "Until when?", "zh-CN": "到几点为止？"}, default=before),
    )


TEMPLATES: Final[Mapping[str, Template]] = {
    one.key: one
    for one in (
        Template(
            "night_light",
            {"en": "Night light", "zh-CN": "起夜灯"},
            {
                "en": "When somebody gets up at night, a light goes on, and off again after a while.",
                "zh-CN": "夜间起身时自动亮灯，过一会儿再自动关灯。",
            },
            (
                Parameter(
                    "motion",
                    "entities",
                    {"en": "Which motion sensors?", "zh-CN": "哪些人体传感器？"},
                    roles=_roles("motion"),
                    is_required=False,
                ),
                Parameter(
                    "bed",
                    "entity",
                    {"en": "Which sensor in the bed?", "zh-CN": "哪个床垫传感器？"},
                    roles=_roles("bed"),
                    is_required=False,
                ),
                Parameter("light", "entity", {"en": "Which light?", "zh-CN": "哪盏灯？"}, components=_roles("light")),
                Parameter("minutes", "minutes", {"en": "For how many minutes?", "zh-CN": "亮几分钟？"}, default=10),
                *_nights("22:00", "07:00"),
            ),
            automation=_night_light,
        ),
        Template(
            "stove_off",
            {"en": "Stove off", "zh-CN": "灶具自动关闭"},
            {
                "en": "When nobody has been in the kitchen for a while, the stove is switched off.",
                "zh-CN": "厨房一段时间无人时，自动关闭灶具。",
            },
            (
                Parameter(
                    "motion",
                    "entity",
                    {"en": "Who notices somebody there?", "zh-CN": "厨房的人体传感器？"},
                    roles=_roles("motion", "presence"),
                ),
                Parameter(
                    "stove",
                    "entity",
                    {"en": "What switches the stove?", "zh-CN": "哪个开关控制灶具？"},
                    roles=_roles("stove"),
                    components=_roles("switch"),
                ),
                Parameter(
                    "minutes", "minutes", {"en": "After how many minutes?", "zh-CN": "无人几分钟后？"}, default=15
                ),
                _PEOPLE,
            ),
            automation=_stove_off,
        ),
        Template(
            "frost_guard",
            {"en": "Not too cold", "zh-CN": "防寒保暖"},
            {
                "en": "When it gets too cold in a room, the heating is set to 18 degrees.",
                "zh-CN": "室温过低时，自动将暖气调到18度。",
            },
            (
                Parameter(
                    "thermometer",
                    "entity",
                    {"en": "Which thermometer?", "zh-CN": "哪个温度计？"},
                    roles=_roles("temperature"),
                ),
                Parameter(
                    "heating", "entity", {"en": "Which heating?", "zh-CN": "哪个暖气？"}, components=_roles("climate")
                ),
                Parameter(
                    "degrees",
                    "degrees",
                    {"en": "Below how many degrees?", "zh-CN": "低于几度？"},
                    default=12,
                    bounds=(2, 18),
                ),
                _PEOPLE,
            ),
            automation=_frost_guard,
        ),
        Template(
            "door_at_night",
            {"en": "Door open at night", "zh-CN": "夜间门未关"},
            {
                "en": "When a door stays open at night, the lights go on and people are told.",
                "zh-CN": "夜间门一直开着时，自动开灯并通知家人。",
            },
            (
                Parameter("door", "entity", {"en": "Which door?", "zh-CN": "哪扇门？"}, roles=_roles("door")),
                Parameter(
                    "lights",
                    "entities",
                    {"en": "Which lights?", "zh-CN": "哪些灯？"},
                    components=_roles("light"),
                    is_required=False,
                ),
                Parameter(
                    "minutes", "minutes", {"en": "After how many minutes?", "zh-CN": "开着几分钟后？"}, default=3
                ),
                *_nights("23:00", "06:00"),
                _PEOPLE,
            ),
            automation=_door_at_night,
        ),
        Template(
            "water_valve",
            {"en": "Water off at a leak", "zh-CN": "漏水自动关阀"},
            {
                "en": "When water is noticed on the floor, the valve is closed and people are told.",
                "zh-CN": "发现漏水时，自动关闭水阀并通知家人。",
            },
            (
                Parameter(
                    "leaks", "entities", {"en": "Which sensors?", "zh-CN": "哪些漏水传感器？"}, roles=_roles("water")
                ),
                Parameter("valve", "entity", {"en": "Which valve?", "zh-CN": "哪个水阀？"}, components=_roles("valve")),
                _PEOPLE,
            ),
            automation=_water_valve,
        ),
        Template(
            "good_night",
            {"en": "Good night", "zh-CN": "晚安"},
            {
                "en": "Lights and devices off, curtains closed, doors locked, all at once.",
                "zh-CN": "一键关灯、关电器、拉窗帘、锁门。",
            },
            (
                Parameter(
                    "lights",
                    "entities",
                    {"en": "Which lights?", "zh-CN": "哪些灯？"},
                    components=_roles("light"),
                    is_required=False,
                ),
                Parameter(
                    "switches",
                    "entities",
                    {"en": "Which devices?", "zh-CN": "哪些电器？"},
                    components=_roles("switch"),
                    is_required=False,
                ),
                Parameter(
                    "covers",
                    "entities",
                    {"en": "Which curtains?", "zh-CN": "哪些窗帘？"},
                    components=_roles("cover"),
                    is_required=False,
                ),
                Parameter(
                    "locks",
                    "entities",
                    {"en": "Which doors are locked?", "zh-CN": "锁哪些门？"},
                    components=_roles("lock"),
                    is_required=False,
                ),
            ),
            scene=_good_night,
        ),
    )
}
