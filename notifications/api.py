"""What other packages may call: declare a notice, send it, ask what became of it.

A feature declares its notices in ``notices.py`` and writes their texts beside it::

    CHECK_INS = Category(key="check_ins", names={"en": "Check-ins", "zh-CN": "平安签到"})
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

from notifications.callbacks.access import Signature, SignedForm, require_link
from notifications.callbacks.rules import is_machine, last_words, text_reply
from notifications.callbacks.schemas import TwimlResponse
from notifications.callbacks.service import Call, communities_in_touch, confirm_key, find_call, handle_once, speech
from notifications.channels.ports import Attachment, Message
from notifications.channels.registry import close_channels
from notifications.channels.registry import prepare as prepare_channels
from notifications.channels.twilio_links import PREFIX as CALLBACKS
from notifications.delivery.service import Origin, replay, send, send_many, withdraw
from notifications.delivery.views import ParkedDelivery, Tally, parked, standings, tally
from notifications.delivery.views import Standing as DeliveryStanding
from notifications.inbox.rules import EVERYBODY as ALL_INBOXES
from notifications.inbox.rules import all_channels as inbox_channels
from notifications.inbox.rules import wake_channel as inbox_channel
from notifications.inbox.schemas import InboxItemPublic
from notifications.inbox.views import INBOX_ITEMS
from notifications.inbox.views import changed as inbox_changes
from notifications.last_resort.service import telling_desk
from notifications.operations.schemas import ParkedDeliveryPublic
from notifications.operations.service import replay_parked
from notifications.operations.views import parked as parked_in_community
from notifications.opt_outs.repository import opt_in, opt_out
from notifications.outbox.views import OutboxPhone, outbox_phone
from notifications.receipts.service import record_receipt
from notifications.sending.attaching import Maker as AttachmentMaker
from notifications.sending.attaching import install_attachments
from notifications.templates.categories import Category
from notifications.templates.notices import Channel, Notice, Urgency
from notifications.templates.variables import Kind, Value, seal_text
from notifications.webhooks.catalogue import WebhookEvent
from notifications.webhooks.composing import Composed, Composer, ToCompose, install_composers
from notifications.webhooks.problems import TooManyEndpoints
from notifications.webhooks.service.publishing import Happening, publish
from notifications.webhooks.service.subscribing import (
    Notification,
    alter_endpoint,
    check_endpoint,
    close_endpoint,
    notify,
    open_endpoint,
    stop_endpoint,
)
from notifications.webhooks.views import EndpointStanding
from notifications.webhooks.views import standings as endpoint_standings

__all__ = [
    "ALL_INBOXES",
    "CALLBACKS",
    "INBOX_ITEMS",
    "Attachment",
    "AttachmentMaker",
    "Call",
    "Category",
    "Channel",
    "Composed",
    "Composer",
    "DeliveryStanding",
    "EndpointStanding",
    "Happening",
    "InboxItemPublic",
    "Kind",
    "Message",
    "Notice",
    "Notification",
    "Origin",
    "OutboxPhone",
    "ParkedDelivery",
    "ParkedDeliveryPublic",
    "Signature",
    "SignedForm",
    "Tally",
    "ToCompose",
    "TooManyEndpoints",
    "TwimlResponse",
    "Urgency",
    "Value",
    "WebhookEvent",
    "alter_endpoint",
    "check_endpoint",
    "close_channels",
    "close_endpoint",
    "communities_in_touch",
    "confirm_key",
    "endpoint_standings",
    "find_call",
    "handle_once",
    "inbox_changes",
    "inbox_channel",
    "inbox_channels",
    "install_attachments",
    "install_composers",
    "is_machine",
    "last_words",
    "notify",
    "open_endpoint",
    "opt_in",
    "opt_out",
    "outbox_phone",
    "parked",
    "parked_in_community",
    "prepare_channels",
    "publish",
    "record_receipt",
    "replay",
    "replay_parked",
    "require_link",
    "seal_text",
    "send",
    "send_many",
    "speech",
    "standings",
    "stop_endpoint",
    "tally",
    "telling_desk",
    "text_reply",
    "withdraw",
]
