"""What people are told about looking after a connected home; alarms are told elsewhere."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

HOME_UPKEEP: Final = Category(
    key="home_upkeep", names={"en": "Looking after the home's devices", "zh-CN": "家中设备维护"}
)
HOME_TROUBLE: Final = Category(
    key="home_trouble",
    names={"en": "Homes nothing is heard of", "zh-CN": "住户失联"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)

_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_OUTAGE: Final[dict[str, Kind]] = {"homes": "integer", "since": "instant"}


def _notice(
    name: str,
    variables: dict[str, Kind],
    *,
    urgency: Urgency = "normal",
    category: Category = HOME_UPKEEP,
    channels: tuple[Channel, ...] = _APP,
) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=category.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="community.home_care",
        variables=variables,
        useful_for=timedelta(days=1),
    )


DEVICES_SILENT: Final = _notice("home_devices_silent", {"resident": "resident", "devices": "integer"})
HOME_SILENT: Final = _notice("home_silent", {"resident": "resident", "since": "instant"}, urgency="high")
"""What who manages a home hears."""

BUILDING_SILENT: Final = _notice("building_silent", _OUTAGE, urgency="critical", category=HOME_TROUBLE, channels=_PHONE)
BUILDING_HEARD: Final = _notice("building_heard", _OUTAGE, urgency="high", category=HOME_TROUBLE)
"""What the operator's people hear."""
