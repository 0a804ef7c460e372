"""The facts notifications emits: what became of a delivery."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event

Outcome = Literal["sent", "failed", "expired", "suppressed"]


class DeliverySettled(Event):
    """A delivery that has an origin came to its end; ``aggregate_id`` is the origin's id.

    ``sent`` means that the provider took it; ``failed`` may follow when it reports that the message did not arrive, or
    that nobody pressed a key in the call. ``is_final`` is false when another channel is tried next: a notice in mode
    "first" did not reach its recipient only when an outcome other than ``sent`` is final. With mode "all" each channel
    has its final outcome; ``notifications.api.tally`` says how the whole origin stands. One that is held is not
    settled; one that was told of in a digest is settled with it and has its outcome. What is critical is never held.
    """

    name: ClassVar[str] = "notifications.delivery_settled.v1"
    critical: ClassVar[bool] = True  # ladders climb on it

    delivery_id: uuid.UUID
    notice_id: uuid.UUID
    account_id: uuid.UUID
    origin_kind: str
    notice_key: str
    channel: str
    outcome: Outcome
    is_final: bool


class PreferencesChanged(Event):
    """A person chose anew what they are told and when; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "notifications.preferences_changed.v1"
