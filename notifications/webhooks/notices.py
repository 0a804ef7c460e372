"""What those who run an organization are told about its webhooks."""

from datetime import timedelta

from notifications.templates.notices import Notice

DISABLED = Notice(
    key="notifications.webhook_disabled",
    category="account",
    urgency="normal",
    channels=("mail", "inbox"),
    package="notifications.webhooks",
    variables={"host": "text", "reason": "word"},
    useful_for=timedelta(days=7),
)
