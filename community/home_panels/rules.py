"""What is on a panel, what its topics and payloads mean, and which presses count: pure decisions."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

import orjson

from app.home_assistant.api import Panel

Thing = Literal["sos", "fine", "alarm", "next_dose", "next_visit"]
Button = Literal["sos", "fine"]

THINGS: Final[tuple[Thing, ...]] = get_args(Thing)
USUAL: Final[tuple[Thing, ...]] = ("sos", "fine", "alarm")
"""What a panel shows unless something else is chosen. When somebody takes their medicine tells of their health, and
when they have visitors of how they live: neither is on a wall for everybody to see unless they want it.
"""
WAKE: Final = "community.home_panels"
"""The wake-up channel of the gateways: there is something to be shown."""
CONNECTED: Final = "broker.connected"
"""The channel a gateway wakes when it has reached the broker."""
TOGETHER: Final = 50
LEASE: Final = timedelta(seconds=20)
TRY_AGAIN: Final = timedelta(seconds=2)
ASK_AGAIN: Final = timedelta(hours=1)
BOUNCES: Final = timedelta(seconds=1)
"""So close together two presses of a button are one."""
DELIVERED_AGAIN: Final = timedelta(minutes=1)
"""So long after a press the broker's repetition of a message is that press; later, what looks like one counts."""
PRESS: Final = b"PRESS"
BORN: Final = b"online"

NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "device": "Hearthline",
        "sos": "Call for help",
        "fine": "I'm fine",
        "alarm": "Alarm",
        "next_dose": "Next medicine",
        "next_visit": "Next visit",
        "message": "Message",
    },
    "zh-CN": {
        "device": "Hearthline",
        "sos": "紧急求助",
        "fine": "我很好",
        "alarm": "警报",
        "next_dose": "下次服药",
        "next_visit": "下次上门",
        "message": "消息",
    },
}
"""What a home calls our device and what is on it, by language."""

_PRESSED: Final = re.compile(r"hearthline/([a-z2-7]{16})/(sos|fine)/(?:press|set)")


def names(language: str) -> Mapping[str, str]:
    """Return what things are called in a language, in English where we do not speak it."""
    return NAMES.get(language, NAMES["en"])


def pressed(topic: str) -> tuple[str, Button] | None:
    """Return the panel's key and the button a topic (without the home's prefix) tells of."""
    found = _PRESSED.fullmatch(topic)
    if found is None:
        return None
    return found[1], "sos" if found[2] == "sos" else "fine"


def is_new_press(last: datetime | None, at: datetime, *, is_repeated: bool) -> bool:
    """Say whether a press is one of its own, rather than the last one once more. In doubt it is: it may be an SOS."""
    if last is None:
        return True
    # Either way: a clock that was put back must not swallow what is pressed until it has caught up.
    return abs(at - last) >= (DELIVERED_AGAIN if is_repeated else BOUNCES)


def announcement(panel: Panel, shown: Collection[str]) -> bytes:
    """Return what announces a panel on which only some things are shown.

    Of the others nothing but their kind is said, by which Home Assistant removes what it knew of them.
    """
    document: dict[str, Any] = orjson.loads(panel.payload)
    document["components"] = {
        name: component if name in shown else {"platform": component["platform"]}
        for name, component in document["components"].items()
    }
    return orjson.dumps(document)


def payloads(shown: Collection[str], *, alarm: bool, dose: datetime | None, visit: datetime | None) -> dict[str, str]:
    """Return what the things on a panel say, as Home Assistant reads it; of what is not on it nothing is kept."""
    all_of_them = {"alarm": "ON" if alarm else "OFF", "next_dose": _instant(dose), "next_visit": _instant(visit)}
    return {name: payload for name, payload in all_of_them.items() if name in shown}


def _instant(at: datetime | None) -> str:
    return at.isoformat() if at else "None"  # what Home Assistant reads as not known


def look_at(shown: Collection[str], now: datetime, *, dose: datetime | None, visit: datetime | None) -> datetime | None:
    """Return when it is asked anew what is next: when that is over, and within the hour, for what is planned tells
    nobody. ``None`` where nothing that lies ahead is shown.
    """
    ahead = [at for name, at in (("next_dose", dose), ("next_visit", visit)) if name in shown]
    return min(at for at in (*ahead, now + ASK_AGAIN) if at is not None) if ahead else None
