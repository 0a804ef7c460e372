"""What the duty desk is told in the last resort: fixed words, as whatever is looked up is one thing more to fail."""

from datetime import timedelta

from notifications.api import Notice

_PACKAGE = "eldercare.last_resort"

ALARM_STUCK = Notice(
    key="eldercare.alarm_stuck",
    category="alarms",
    urgency="critical",
    channels=("push", "sms", "voice", "mail", "inbox"),
    package=_PACKAGE,
    useful_for=timedelta(hours=1),
)
CHECK_IN_STUCK = Notice(
    key="eldercare.check_in_stuck",
    category="alarms",
    urgency="critical",
    channels=("push", "sms", "voice", "mail", "inbox"),
    package=_PACKAGE,
    useful_for=timedelta(hours=1),
)
