"""Our own device in a home: two buttons, what comes next and whether an alarm is open, as Home Assistant wants it."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.home_assistant.shapes import OFFLINE, ONLINE, Panel

BUTTONS: Final = ("sos", "fine")
STATES: Final = ("next_dose", "next_visit", "alarm", "message")
"""``next_dose``, ``next_visit``: instants (RFC 3339) or ``None``; ``alarm``: ``ON`` or ``OFF``; ``message``: text."""

MANUFACTURER: Final = "Hearthline"
PRESS: Final = "PRESS"
_ICONS: Final = {
    "sos": "mdi:alarm-light",
    "fine": "mdi:hand-heart",
    "next_dose": "mdi:pill",
    "next_visit": "mdi:home-account",
    "message": "mdi:message-text",
}


def panel(
    panel_id: str,
    names: Mapping[str, str],
    *,
    software: str,
    discovery_prefix: str = "homeassistant",
    within: str = "",
    with_message: bool = True,
) -> Panel:
    """Return what announces our panel in a home, with the topics of its buttons and its states.

    ``panel_id`` (letters, digits, ``_`` and ``-``) tells it from any other; ``names`` has the device's name as
    ``device`` and that of each button and state, in the home's language; ``software`` is our version. ``within`` is the
    home's prefix (``homes/<key>/``) where Home Assistant speaks to our broker itself: it then stands in the topics
    inside the announcement, never in those returned.

    The panel's availability topic wants ``online`` and ``offline``: the broker's last will keeps it honest.
    """
    base = f"hearthline/{panel_id}"
    identity = f"hearthline_{panel_id}".replace("-", "_")
    availability = f"{base}/availability"
    presses = {f"{base}/{button}/press": button for button in BUTTONS}
    states = {state: f"{base}/{state}/state" for state in STATES if with_message or state != "message"}
    components: dict[str, dict[str, Any]] = {
        button: {
            "platform": "button",
            "command_topic": f"{within}{topic}",
            "payload_press": PRESS,
            "qos": 1,
            **_common(identity, button, names),
        }
        for topic, button in presses.items()
    }
    for state, topic in states.items():
        components[state] = {"state_topic": f"{within}{topic}", **_kind(state), **_common(identity, state, names)}
    announcement = {
        "device": {
            "identifiers": [identity],
            "name": names["device"],
            "manufacturer": MANUFACTURER,
            "sw_version": software,
        },
        "origin": {"name": MANUFACTURER, "sw_version": software},
        "availability": [
            {"topic": f"{within}{availability}", "payload_available": ONLINE, "payload_not_available": OFFLINE}
        ],
        "components": components,
    }
    return Panel(
        topic=f"{discovery_prefix}/device/{identity}/config",
        payload=orjson.dumps(announcement),
        presses=presses,
        states=states,
        availability=availability,
    )


def _common(identity: str, name: str, names: Mapping[str, str]) -> dict[str, Any]:
    icon = {"icon": _ICONS[name]} if name in _ICONS else {}
    return {"unique_id": f"{identity}_{name}", "name": names[name], **icon}


def _kind(state: str) -> dict[str, Any]:
    if state == "alarm":
        return {"platform": "binary_sensor", "device_class": "problem"}
    if state == "message":
        return {"platform": "sensor"}
    return {"platform": "sensor", "device_class": "timestamp"}
