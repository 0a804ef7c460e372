"""What residents are told of patient numbers: that a clinic knows them by one, or no more; never which."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

PATIENT_NUMBERS: Final = Category(key="patient_numbers", names={"en": "Links to clinics", "zh-CN": "诊所关联"})


def _notice(name: str) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=PATIENT_NUMBERS.key,
        urgency="normal",
        channels=("push", "inbox"),
        mode="first",
        package="telemedicine.linking",
        variables={"resident": "resident", "clinic": "text"},
        useful_for=timedelta(days=7),
    )


LINKED: Final = _notice("patient_linked")
UNLINKED: Final = _notice("patient_unlinked")
