"""What care takes an entity for, by its component, its device class and the words in its names.

Device classes are Home Assistant's (``binary_sensor`` and ``sensor``). Words are those of names that people give in
English, Chinese and German. Whoever manages the home can say otherwise: a wrong guess is theirs to correct, and where
nothing is known it is ``other``, on which no rule acts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_BINARY: Final[Mapping[str, str]] = {
    "smoke": "smoke",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "moisture": "water",
    "motion": "motion",
    "moving": "motion",
    "occupancy": "motion",
    "presence": "presence",
    "door": "door",
    "garage_door": "door",
    "opening": "door",
    "window": "window",
    "lock": "lock",
    "problem": "problem",
    "safety": "problem",
    "tamper": "problem",
    "battery": "battery",
}
_SENSOR: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "humidity": "humidity",
    "power": "power",
    "energy": "energy",
    "battery": "battery",
}
_BY_COMPONENT: Final[Mapping[str, str]] = {
    "light": "light",
    "lock": "lock",
    "valve": "valve",
    "device_tracker": "presence",
}


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# In this order: what calls somebody comes first, and a bed's sensor of presence is of the bed.
_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "fall": _words(r"\bfall(s|en)?\b|sturz|跌倒|摔倒"),
    "sos_button": _words(r"\bsos\b|\bpanic|\bemergency|notruf|notfall|紧急|求救|呼救"),
    "bed": _words(r"\bbed\b|\bmattress|\bbett(?!er)|matratze|床"),
    "stove": _words(r"\bstove|\bcooker\b|\bcooktop|\bhob\b|\boven\b|\bherd\b|kochfeld|backofen|炉灶|灶|烤箱|电磁炉"),
    "carbon_monoxide": _words(r"carbon[ _-]?monoxide|kohlen(stoff)?monoxid|一氧化碳"),
    "smoke": _words(
        r"\bsmoke|\brauch|烟雾|烟感|\b(fire|heat)[ -]?(alarm|detect)|(feuer|brand)(alarm|melder)|hitzemelder|"
        r"w(ä|ae)rmemelder|火警|火灾|感温"
    ),
    "water": _words(r"\bleak|\bflood|wassermelder|leckage|漏水|水浸"),
    "gas": _words(r"\bgas\b|\bgasmelder|燃气|煤气"),
    "window": _words(r"\bwindow|fenster|窗"),
    "door": _words(r"\bdoor|t(ü|ue)r\b|门"),
    "motion": _words(r"\bmotion|\bpir\b|bewegung|人体|移动"),
    "presence": _words(r"\bpresence|anwesenheit|存在"),
}
_ANY: Final = frozenset(_WORDS)
_ALARMS: Final = frozenset({"fall", "sos_button"})
_DANGERS: Final = frozenset({"smoke", "gas", "carbon_monoxide", "water"})

# What the names may add to a device class that says how something is noticed rather than what of.
_REFINED: Final[Mapping[str | None, frozenset[str]]] = {
    None: _ANY,
    "occupancy": _ALARMS | {"bed"},
    "presence": _ALARMS | {"bed"},
    "motion": _ALARMS | {"bed"},
    "moving": _ALARMS | {"bed"},
    "vibration": _ALARMS | {"bed"},
    "safety": _ANY - {"motion", "presence"},
    "problem": _ALARMS,
    "door": frozenset({"window"}),
    "opening": frozenset({"window"}),
    "gas": frozenset({"carbon_monoxide"}),
    "running": frozenset({"stove"}),
    "power": frozenset({"stove"}),
    "heat": frozenset({"stove", "smoke"}),
}
_NOT_OF_THE_ROOM: Final = _words(
    r"fridge|refrigerator|freezer|k(ü|ue)hlschrank|gefrier|冰箱|冷柜|\boutdoor|\boutside|au(ß|ss)en|室外|户外|\bboiler|"
    r"vorlauf|r(ü|ue)cklauf|热水|\bsoil|\bplant|pflanze|土壤|\bcabinet|\bcupboard|\bdrawer|schrank|schublade|柜|抽屉|"
    r"\bmailbox|\bletterbox|briefkasten|信箱"
)
"""A cold fridge is no cold home, and who opens a cupboard at night does not leave."""
_OF_THE_ROOM: Final = frozenset({"temperature", "humidity", "door", "window"})
_MAY_BE_WET: Final = _words(
    r"\boutdoor|\boutside|au(ß|ss)en|室外|户外|\bsoil|\bplant|pflanze|土壤|\bmailbox|\bletterbox|briefkasten|信箱"
)
"""Where wet is no leak; under a fridge, a boiler or in the cabinet below a sink it is one."""
_PRESSED: Final = _words(r"\baction\b|\bclick\b|\bpress|\bevent\b|\bbutton\b|taste|按")


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of an entity: ``names`` are its own, ``device_names`` those of the device it belongs to.

    ``category`` is Home Assistant's ``entity_category``, ``room_kind`` of the room the device is in.
    """

    component: str
    device_class: str | None = None
    names: tuple[str | None, ...] = ()
    device_names: tuple[str | None, ...] = ()
    category: str | None = None
    room_kind: str | None = None


def role_of(entity: Described) -> str:
    """Return what care takes an entity for; one of ``models.ROLES``."""
    by_class = _by_class(entity)
    if entity.category is not None:  # what serves the device's own upkeep says nothing of the home
        return by_class if by_class in ("battery", "problem") else "other"
    role = _refined(entity, by_class) or by_class or "other"
    names = _text((*entity.names, *entity.device_names))
    if role in _OF_THE_ROOM and _NOT_OF_THE_ROOM.search(names):
        return "other"
    if role == "water" and _MAY_BE_WET.search(names):
        return "other"
    if entity.room_kind == "balcony" and role in ("temperature", "humidity"):
        return "other"
    return role


def renewed(role: str, derived: str) -> str:
    """Return what care takes an entity for that is described or called otherwise than when it was taken for ``role``.

    What calls for help by its name alone goes on doing so when it is called after whoever wears it.
    """
    return role if role in _ALARMS and derived == "other" else derived


def _by_class(entity: Described) -> str | None:
    if entity.component == "binary_sensor":
        return _BINARY.get(entity.device_class or "")
    if entity.component == "sensor":
        return _SENSOR.get(entity.device_class or "")
    return _BY_COMPONENT.get(entity.component)


def _refined(entity: Described, by_class: str | None) -> str | None:
    """Return what the names say, where they may say anything."""
    names = _text((*entity.names, *entity.device_names))
    match entity.component:
        case "binary_sensor":
            return _first(names, _REFINED.get(entity.device_class, frozenset()))
        case "switch":
            return _first(names, {"stove"})
        case "event" | "device_automation":
            return _first(names, _ALARMS)
        case "sensor":
            return _of_sensor(entity, names, by_class)
        case _:
            return None


def _of_sensor(entity: Described, names: str, by_class: str | None) -> str | None:
    if entity.device_class in ("power", "temperature") and _first(names, {"stove"}):
        return "stove" if by_class == "power" else "other"  # an oven's heat is not the room's
    if entity.device_class not in (None, "enum"):
        return None
    own = _text(entity.names)
    if not own or _PRESSED.search(own):  # a button that reports its presses as a sensor does
        return _first(names, _ALARMS)
    # Of a fixed set of words one may tell of a danger; a number does not.
    dangers = _DANGERS if entity.device_class == "enum" else frozenset()
    return _first(own, _ALARMS | {"bed"} | dangers)


def _text(names: Iterable[str | None]) -> str:
    return " | ".join(name.replace("_", " ") for name in names if name)


def _first(text: str, among: Iterable[str]) -> str | None:
    allowed = frozenset(among)
    return next((role for role, pattern in _WORDS.items() if role in allowed and pattern.search(text)), None)


_ROOMS: Final[Mapping[str, re.Pattern[str]]] = {
    "bathroom": _words(r"bath|toilet|\bwc\b|shower|restroom|\bbad\b|badezimmer|dusche|浴|卫生间|洗手间|厕所"),
    "bedroom": _words(r"bed ?room|schlafzimmer|卧室|卧房|睡房"),
    "kitchen": _words(r"kitchen|k(ü|ue)che|厨房"),
    "living_room": _words(r"living|lounge|sitting|wohnzimmer|stube|客厅|起居"),
    "entrance": _words(r"entrance|entry|front ?door|eingang|haust(ü|ue)r|玄关|入户|门口"),
    "balcony": _words(r"balcon|terrace|patio|balkon|terrasse|阳台|露台"),
    "hall": _words(r"\bhall|corridor|hallway|landing|flur|diele|gang\b|走廊|过道"),
}


def room_kind_of(name: str) -> str:
    """Return what kind of room a name speaks of, ``other`` if that is not known."""
    return next((kind for kind, pattern in _ROOMS.items() if pattern.search(name)), "other")
