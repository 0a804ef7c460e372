"""What the desk of an organization and the operator are told of disputes; never of whom, nor for what."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from notifications.api import Category, Kind, Notice

MONEY: Final = Category(key="billing", names={"en": "Payouts and disputes", "zh-CN": "结算与争议"})


def _notice(name: str, variables: Mapping[str, Kind]) -> Notice:
    return Notice(
        key=f"billing.{name}",
        category=MONEY.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="app.billing.disputes",
        variables=variables,
        useful_for=timedelta(days=7),
    )


DISPUTE_OPENED: Final = _notice("dispute_opened", {"due_at": "instant"})
DISPUTE_DUE: Final = _notice("dispute_due", {"due_at": "instant"})
DISPUTE_CLOSED: Final = _notice("dispute_closed", {"outcome": "word"})
