"""What the duty desk is told when it is tested."""

from datetime import timedelta

from notifications.api import Notice

DESK_TEST = Notice(
    key="eldercare.desk_test",
    category="alarms",
    urgency="critical",
    channels=("push", "sms", "voice", "mail", "inbox"),
    package="eldercare.escalation",
    useful_for=timedelta(hours=1),
)
