"""What people are told of bills: that a share is due, that an insurer answered or does not; never for what."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

BILLS: Final = Category(key="bills", names={"en": "Bills", "zh-CN": "账单"})


def _notice(name: str, named: str) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=BILLS.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="telemedicine.settlement",
        variables={"resident": "resident", named: "text"},
        useful_for=timedelta(days=7),
    )


OWN_SHARE_DUE: Final = _notice("own_share_due", "clinic")
CLAIM_UNANSWERED: Final = _notice("claim_unanswered", "insurer")
CLAIM_REFUSED: Final = _notice("claim_refused", "insurer")
