"""The notices of check-ins; what a locked phone shows never says anything about somebody's health."""

from datetime import timedelta
from typing import Final

from eldercare.check_ins.rules import SETTLING
from notifications.api import Category, Channel, Kind, Notice, Urgency

PROMPT_ORIGIN: Final = "eldercare.check_in_prompt"

# The resident chose when to be asked; who wants to be asked less changes the plan, for silence raises an alarm.
CHECK_INS: Final = Category(
    key="check_ins",
    names={"en": "Check-ins", "zh-CN": "平安签到"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)
CHECK_IN_NEWS: Final = Category(key="check_in_news", names={"en": "News of check-ins", "zh-CN": "签到动态"})


def _notice(
    name: str,
    *channels: Channel,
    variables: dict[str, Kind],
    useful_for: timedelta,
    urgency: Urgency = "high",
    category: str = "check_ins",
) -> Notice:
    return Notice(
        key=f"eldercare.{name}",
        category=category,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="eldercare.check_ins",
        variables=variables,
        useful_for=useful_for,
    )


_ASKED: Final[dict[str, Kind]] = {"due_at": "instant"}
_BY_MESSAGE: Final[dict[str, Kind]] = {"due_at": "instant", "code": "word"}
_ABOUT: Final[dict[str, Kind]] = {"resident": "resident", "due_at": "instant"}
_A_DAY = timedelta(days=1)

PROMPTS: Final = {
    "app": _notice("check_in_prompt", "push", "sms", "inbox", variables=_BY_MESSAGE, useful_for=SETTLING),
    "sms": _notice("check_in_prompt_sms", "sms", variables=_BY_MESSAGE, useful_for=SETTLING),
    "voice": _notice("check_in_prompt_voice", "voice", variables=_ASKED, useful_for=SETTLING),
}
REMINDERS: Final = {
    "app": _notice("check_in_reminder", "push", "sms", variables=_BY_MESSAGE, useful_for=SETTLING),
    "sms": _notice("check_in_reminder_sms", "sms", variables=_BY_MESSAGE, useful_for=SETTLING),
    "voice": _notice("check_in_reminder_voice", "voice", variables=_ASKED, useful_for=SETTLING),
    "call_in": _notice("check_in_call_reminder", "push", "sms", "voice", variables=_ASKED, useful_for=SETTLING),
}
CHECK_IN_MISSED: Final = _notice(
    "check_in_missed", "push", "sms", "inbox", variables=_ABOUT, useful_for=_A_DAY, category=CHECK_IN_NEWS.key
)
CHECK_IN_ANSWERED_LATE: Final = _notice(
    "check_in_answered_late", "push", "sms", "inbox", variables=_ABOUT, useful_for=_A_DAY, category=CHECK_IN_NEWS.key
)
PAUSE_ANNOUNCED: Final = _notice(
    "pause_announced",
    "push",
    "inbox",
    variables={"resident": "resident", "starts_at": "instant", "ends_at": "instant"},
    urgency="normal",
    useful_for=_A_DAY,
    category=CHECK_IN_NEWS.key,
)
PAUSE_ENDED: Final = _notice(
    "pause_ended",
    "push",
    "inbox",
    variables={"resident": "resident"},
    urgency="normal",
    useful_for=_A_DAY,
    category=CHECK_IN_NEWS.key,
)
