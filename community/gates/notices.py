"""What the coordinators of an attraction are told of its gates: which, how many, and never whose ticket it was."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Kind, Notice

GATES: Final = Category(key="gates", names={"en": "Gates", "zh-CN": "检票口"})


def _notice(name: str, more: dict[str, Kind]) -> Notice:
    return Notice(
        key=f"community.{name}",
        category=GATES.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="community.gates",
        variables={"gate": "text", **more},
        useful_for=timedelta(days=1),
    )


CLOCK_WRONG: Final = _notice("gate_clock_wrong", {"minutes": "integer", "side": "word"})
CONFLICTS_FOUND: Final = _notice("admission_conflicts_found", {"count": "integer"})
