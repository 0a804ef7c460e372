"""What people are told of prescriptions: that one is asked for again, and that this was answered; never which."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

PRESCRIPTIONS: Final = Category(key="prescriptions", names={"en": "Prescriptions", "zh-CN": "处方"})


def _notice(name: str) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=PRESCRIPTIONS.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="telemedicine.prescriptions",
        variables={"resident": "resident"},
        useful_for=timedelta(days=7),
    )


RENEWAL_REQUESTED: Final = _notice("renewal_requested")
RENEWAL_ANSWERED: Final = _notice("renewal_answered")
