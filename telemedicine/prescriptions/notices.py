"""What people are told of prescriptions: that one is asked for again, waits, was answered or refused; never which."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Notice, Urgency

PRESCRIPTIONS: Final = Category(key="prescriptions", names={"en": "Prescriptions", "zh-CN": "处方"})


def _notice(name: str, *, urgency: Urgency = "normal", channels: tuple[Channel, ...] = ("push", "inbox")) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=PRESCRIPTIONS.key,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="telemedicine.prescriptions",
        variables={"resident": "resident"},
        useful_for=timedelta(days=7),
    )


RENEWAL_REQUESTED: Final = _notice("renewal_requested")
RENEWAL_ANSWERED: Final = _notice("renewal_answered")
RENEWAL_WAITING: Final = _notice("renewal_waiting", urgency="high", channels=("push", "sms", "inbox"))
RENEWAL_DELAYED: Final = _notice("renewal_delayed")
PRESCRIPTION_OBJECTED: Final = _notice("prescription_objected", urgency="high", channels=("push", "sms", "inbox"))
