"""What colleagues at the desk tell each other. A locked screen shows that there is an alarm, not whose or why."""

from datetime import timedelta

from notifications.api import Notice

HANDOVER = Notice(
    key="eldercare.desk_handover",
    category="alarms",
    urgency="critical",
    channels=("push", "sms", "inbox"),
    package="eldercare.duty_desk",
    variables={"giver": "account", "mode": "word"},
    useful_for=timedelta(minutes=30),
)
ANSWERED = Notice(
    key="eldercare.desk_handover_answered",
    category="alarms",
    urgency="high",
    channels=("push", "inbox"),
    package="eldercare.duty_desk",
    variables={"taker": "account", "state": "word", "mode": "word"},
    useful_for=timedelta(minutes=30),
)
