"""What people are told of referrals and questions: that something waits, or was answered; never what it is about."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice

REFERRALS: Final = Category(key="referrals", names={"en": "Referrals", "zh-CN": "转诊"})
# What cannot wait wakes whoever is asked, at any hour and each time.
PRESSING: Final = Category(
    key="pressing_referrals",
    names={"en": "Pressing referrals", "zh-CN": "紧急转诊"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)

_APP: Final[tuple[Channel, ...]] = ("push", "inbox")
_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")
_NAMED: Final[dict[str, Kind]] = {"resident": "resident"}
_LATE: Final[dict[str, Kind]] = {"late_minutes": "integer"}


def _notice(name: str, *, more: dict[str, Kind] | None = None, named: bool = True) -> Notice:
    """Return a notice for the day."""
    return Notice(
        key=f"telemedicine.{name}",
        category=REFERRALS.key,
        urgency="normal",
        channels=_APP,
        mode="first",
        package="telemedicine.referrals",
        variables=(_NAMED if named else {}) | (more or {}),
        useful_for=timedelta(days=3),
    )


def _pressing(name: str, *, more: dict[str, Kind] | None = None, named: bool = True) -> Notice:
    """Return a notice that travels in the urgent lane."""
    return Notice(
        key=f"telemedicine.{name}",
        category=PRESSING.key,
        urgency="critical",
        channels=_PHONE,
        package="telemedicine.referrals",
        variables=(_NAMED if named else {}) | (more or {}),
        useful_for=timedelta(hours=4),
    )


REQUESTED: Final = _notice("referral_requested")
REQUESTED_NOW: Final = _pressing("referral_requested_now")
WAITING: Final = _notice("referral_waiting", more=_LATE)
WAITING_NOW: Final = _pressing("referral_waiting_now", more=_LATE)
NEWS: Final = _notice("referral_news", more={"state": "word"})
"""To the resident."""
ANSWERED: Final = _notice("referral_answered", more={"state": "word"})
"""To who referred them."""
ASKED: Final = _notice("question_asked", named=False)
ASKED_NOW: Final = _pressing("question_asked_now", named=False)
QUESTION_WAITING: Final = _notice("question_waiting", more=_LATE, named=False)
QUESTION_WAITING_NOW: Final = _pressing("question_waiting_now", more=_LATE, named=False)
QUESTION_ANSWERED: Final = _notice("question_answered")
QUESTION_NEWS: Final = _notice("question_news")
"""To the resident: that their clinic asks another for advice."""
