"""The job that delivers events to organizations."""

from datetime import timedelta

from app.core.jobs import Job
from notifications.webhooks.rules import WAKE_CHANNEL
from notifications.webhooks.service import sending

JOBS: tuple[Job, ...] = (
    Job("notifications.send_webhooks", timedelta(seconds=2), sending.run, wake_on=(WAKE_CHANNEL,)),
)
