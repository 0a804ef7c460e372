"""What other packages may call: declare a notice, send it, ask what became of it.

A feature declares its notices in ``notices.py`` and writes their texts beside it::

    CHECK_IN_PROMPT = Notice(
        key="eldercare.check_in_prompt", category="check_ins", urgency="high", channels=("push", "sms", "inbox"),
        mode="first", package="eldercare.check_ins", variables={"resident": "resident", "due_at": "instant"},
    )

    eldercare/check_ins/texts/check_in_prompt/en.toml      [push] title, body   [sms] text   [voice] text
    eldercare/check_ins/texts/check_in_prompt/zh-CN.toml   [mail] subject, body [inbox] title, body

and sends it in the transaction of the fact: ``await send(session, CHECK_IN_PROMPT, [account_id], …)``, or for many rows
at once ``await send_many(session, CHECK_IN_PROMPT, select, origin_kind="eldercare.check_in")``. Variables are ids,
instants and enumerations (``notifications/templates/variables.py`` lists the kinds and what a text can do with each).

What the machines of organizations are told is a ``WebhookEvent``, declared once and written with ``publish``.
"""

from notifications.channels.registry import close_channels
from notifications.delivery.service import Origin, replay, send, send_many
from notifications.delivery.views import ParkedDelivery, Tally, parked, tally
from notifications.inbox.schemas import InboxItemPublic
from notifications.inbox.views import changed as inbox_changes
from notifications.outbox.views import OutboxPhone, outbox_phone
from notifications.templates.notices import Channel, Notice, Urgency
from notifications.templates.variables import Kind, Value, seal_text
from notifications.webhooks.catalogue import WebhookEvent
from notifications.webhooks.service.publishing import Happening, publish

__all__ = [
    "Channel",
    "Happening",
    "InboxItemPublic",
    "Kind",
    "Notice",
    "Origin",
    "OutboxPhone",
    "ParkedDelivery",
    "Tally",
    "Urgency",
    "Value",
    "WebhookEvent",
    "close_channels",
    "inbox_changes",
    "outbox_phone",
    "parked",
    "publish",
    "replay",
    "seal_text",
    "send",
    "send_many",
    "tally",
]
