"""The port to whoever moves money on cards: Stripe, or its local twin in a demo.

Every call is made outside of transactions, for a row that says what is wanted, under a key derived from that row: asked
again after a crash or a timeout, the gateway answers what it did the first time and does nothing twice.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

IntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]
"""As Stripe's ``PaymentIntent.status``."""
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]


class NotAnsweredError(Exception):
    """Nobody knows whether it was done: it is asked again under the same key. ``again_after`` in seconds, if told.

    ``is_stuck``: the gateway keeps this failure as the key's answer. What is wanted is looked for in its lists, and
    asked for under another key if it is not there.
    """

    def __init__(self, why: str, again_after: float | None = None, *, is_stuck: bool = False) -> None:
        super().__init__(why)
        self.why, self.again_after, self.is_stuck = why, again_after, is_stuck


class NotDoneError(Exception):
    """The gateway did not do it and will not under this key; ``code`` is its own word, ``ref`` of what it made of it.

    ``is_card`` says whether it is the card (declined, expired) rather than our asking: then another card may do.
    """

    def __init__(self, code: str, *, is_card: bool = False, ref: str | None = None) -> None:
        super().__init__(code)
        self.code, self.is_card, self.ref = code, is_card, ref


@dataclass(frozen=True, slots=True)
class Setup:
    """A card that is being saved: the app goes on with ``client_secret``, which is kept nowhere."""

    ref: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Card:
    """A saved payment method as it may be shown."""

    ref: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """An amount to be authorized on a saved card, in minor units of a currency in capitals (ISO 4217).

    ``present``: the payer is there and can prove who they are (3-D Secure); without them a card that asks is declined.
    ``row`` is the id of our row, kept as metadata. ``return_url`` is where the bank leads the payer back to.
    """

    amount: int
    currency: str
    customer: str
    method: str
    present: bool
    row: str
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """How a card payment stands at the gateway; ``charge`` is what transfers draw on, ``row`` the id of ours.

    ``action_url`` is the page on which the payer proves to their bank who they are, where the bank asks.
    """

    ref: str
    status: IntentStatus
    amount: int
    capturable: int = 0
    received: int = 0
    capture_before: datetime | None = None
    client_secret: str | None = None
    action_url: str | None = None
    declined: str | None = None
    charge: str | None = None
    row: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """How a refund stands at the gateway."""

    ref: str
    status: RefundStatus
    amount: int
    failure: str | None = None
    row: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """An organization's account that money is transferred to (Stripe Connect)."""

    ref: str
    payouts_enabled: bool
    wanting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moved to a payout account, and what of it was taken back."""

    ref: str
    amount: int
    reversed: int = 0
    row: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is said against a dispute: ``file`` is the gateway's id of one that was uploaded to it."""

    explanation: str
    what_was_done: str | None = None
    done_on: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the gateway tells it: ``kind`` and ``body`` are its own (Stripe's ``type`` and ``data.object``)."""

    ref: str
    kind: str
    happened_at: datetime
    body: dict[str, Any]


class Gateway(Protocol):
    """What is asked of a gateway; ``key`` makes asking twice harmless.

    All raise ``NotAnsweredError`` when the outcome is unknown and ``NotDoneError`` when it certainly was not done.
    """

    name: str

    async def close(self) -> None:
        """Close what connections there are."""

    async def open_customer(self, key: str, row: str) -> str:
        """Return the reference of a new customer, who is known by ``row`` alone: neither name nor address is sent."""

    async def forget_customer(self, ref: str) -> None:
        """Delete a customer with their cards; one that is gone already is fine."""

    async def begin_setup(self, key: str, customer: str) -> Setup:
        """Begin to save a card of the customer's."""

    async def card_of_setup(self, ref: str) -> Card | None:
        """Return the card a setup has saved, or ``None`` while it has not."""

    async def forget_card(self, key: str, ref: str) -> None:
        """Detach a saved card; one that is gone already is fine."""

    async def authorize(self, key: str, wanted: Wanted) -> Intent:
        """Hold an amount on a card, to be captured later or let go."""

    async def intent(self, ref: str) -> Intent:
        """Return how a card payment stands."""

    async def capture(self, key: str, ref: str, amount: int) -> Intent:
        """Take an amount of what is held, and let the rest go: once."""

    async def cancel(self, key: str, ref: str) -> Intent:
        """Let go what is held; one that is cancelled already is fine."""

    async def refund(self, key: str, intent: str, amount: int, row: str) -> Refund:
        """Give an amount back of what was captured."""

    async def find_refund(self, ref: str) -> Refund:
        """Return how a refund stands."""

    async def open_payout_account(self, key: str, row: str, country: str) -> PayoutAccount:
        """Open an account that an organization is paid to; it is asked for the rest on the gateway's own pages."""

    async def onboarding_link(self, ref: str, return_url: str) -> str:
        """Return the address of the gateway's page where the organization says what is still wanted."""

    async def payout_account(self, ref: str) -> PayoutAccount:
        """Return how a payout account stands."""

    async def transfer(
        self, key: str, to: str, amount: int, currency: str, row: str, charge: str | None = None
    ) -> Transfer:
        """Move an amount to a payout account: of what a charge brought, as soon as it is there, or of what is."""

    async def reverse_transfer(self, key: str, ref: str, amount: int) -> Transfer:
        """Take an amount of a transfer back."""

    async def give_evidence(self, key: str, ref: str, evidence: Evidence) -> None:
        """Submit evidence against a dispute, once and for good."""

    def intents_since(self, since: datetime, customer: str | None = None) -> AsyncIterator[Intent]:
        """Return the card payments made since an instant, of everybody or of one customer."""

    def refunds_since(self, since: datetime) -> AsyncIterator[Refund]:
        """Return the refunds made since an instant."""

    def transfers_since(self, since: datetime) -> AsyncIterator[Transfer]:
        """Return the transfers made since an instant."""

    def verify(self, body: bytes, signature: str) -> Told:
        """Return what a webhook tells; raises ``ForgedError`` for one the gateway has not signed, or an old one."""


class ForgedError(Exception):
    """A webhook that the gateway has not signed, or that is too old to be taken."""
