"""The facts notifications emits: what became of a delivery."""

import uuid
from typing import ClassVar, Final, Literal

from app.core.events import Event

Outcome = Literal["sent", "delivered", "unconfirmed", "failed", "expired", "suppressed"]
REACHED: Final[frozenset[Outcome]] = frozenset({"sent", "delivered"})


class DeliverySettled(Event):
    """A delivery that has an origin got on; ``aggregate_id`` is the origin's id.

    ``sent`` means that the provider took it: final where nobody can confirm it, otherwise followed by ``delivered``
    (the phone or the provider says that it arrived, or it was opened) or, when the notice's patience is at its end, by
    ``unconfirmed``. After that ``delivered`` may still come. ``failed`` may follow, too, when the provider reports that
    the message did not arrive, or that nobody pressed a key in the call. ``is_final`` is also false when another
    channel is tried next: a notice in mode "first" did not reach its recipient only when an outcome that does not say
    ``has_reached`` is final. With mode "all" each channel has its final outcome; ``notifications.api.tally`` says how
    the whole origin stands. One that is held is not settled; one that was told of in a digest has the digest's
    outcomes. What is critical is never held, and the facts of it, on which ladders climb, are critical themselves.
    """

    name: ClassVar[str] = "notifications.delivery_settled.v1"

    delivery_id: uuid.UUID
    notice_id: uuid.UUID
    account_id: uuid.UUID
    origin_kind: str
    notice_key: str
    channel: str
    outcome: Outcome
    is_final: bool

    @property
    def has_reached(self) -> bool:
        """Whether, for all that is known, the recipient has it."""
        return self.outcome in REACHED


class PreferencesChanged(Event):
    """A person chose anew what they are told and when; ``aggregate_id`` is the account."""

    name: ClassVar[str] = "notifications.preferences_changed.v1"
