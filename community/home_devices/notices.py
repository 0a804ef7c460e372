"""What people are told of a home's devices: seldom, and never what stands in which room."""

from datetime import timedelta
from typing import Final

from community.homes.notices import HOMES
from notifications.api import Notice

BATTERY_LOW: Final = Notice(
    key="community.home_battery_low",
    category=HOMES.key,
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="community.home_devices",
    variables={"resident": "resident"},
    useful_for=timedelta(days=3),
)
HOME_FULL: Final = Notice(
    key="community.home_full",
    category=HOMES.key,
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="community.home_devices",
    variables={"resident": "resident"},
    useful_for=timedelta(days=3),
)
