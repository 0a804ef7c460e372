"""The notices of check-ins; what a locked phone shows never says anything about somebody's health."""

from datetime import timedelta
from typing import Final

from eldercare.check_ins.rules import SETTLING
from notifications.api import Channel, Kind, Notice, Urgency

PROMPT_ORIGIN: Final = "eldercare.check_in_prompt"


def _notice(
    name: str, *channels: Channel, variables: dict[str, Kind], urgency: Urgency = "high", useful_for: timedelta
) -> Notice:
    return Notice(
        key=f"eldercare.{name}",
        category="check_ins",
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
CHECK_IN_MISSED: Final = _notice("check_in_missed", "push", "sms", "inbox", variables=_ABOUT, useful_for=_A_DAY)
CHECK_IN_ANSWERED_LATE: Final = _notice(
    "check_in_answered_late", "push", "sms", "inbox", variables=_ABOUT, useful_for=_A_DAY
)
PAUSE_ANNOUNCED: Final = _notice(
    "pause_announced",
    "push",
    "inbox",
    variables={"resident": "resident", "starts_at": "instant", "ends_at": "instant"},
    urgency="normal",
    useful_for=_A_DAY,
)
PAUSE_ENDED: Final = _notice(
    "pause_ended", "push", "inbox", variables={"resident": "resident"}, urgency="normal", useful_for=_A_DAY
)
