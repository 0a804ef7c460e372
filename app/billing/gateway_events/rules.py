"""What an event is about, and what of it is kept: pure decisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.billing.gateways.port import Told

About = Literal["payment", "refund", "other"]

_KEPT: Final = (
    "object",
    "id",
    "status",
    "amount",
    "amount_capturable",
    "amount_captured",
    "amount_received",
    "amount_refunded",
    "currency",
    "charge",
    "payment_intent",
    "latest_charge",
    "reason",
    "failure_reason",
    "cancellation_reason",
    "destination",
    "amount_reversed",
    "payouts_enabled",
    "account",
)
"""Nothing of who paid and with which card."""
_ENDED: Final[Mapping[str, tuple[str, ...]]] = {
    "payment_intent.created": ("authorized", "captured", "cancelled", "declined", "lapsed", "processing"),
    "payment_intent.succeeded": ("captured",),
    "payment_intent.canceled": ("cancelled", "lapsed"),
    "payment_intent.payment_failed": ("declined", "cancelled", "lapsed", "captured"),
    "payment_intent.amount_capturable_updated": ("authorized", "captured"),
    "payment_intent.requires_action": ("requires_action", "authorized", "captured"),
    "charge.captured": ("captured",),
    "charge.expired": ("lapsed", "cancelled"),
    "charge.refunded": ("captured",),
}
"""States of ours in which an event says nothing new."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event is about: the gateway's ref of it, ``row`` as it was given, states in which it is no news."""

    about: About
    ref: str
    row: str | None
    known_states: tuple[str, ...]


def meaning(told: Told) -> Meaning:
    """Return what an event is about; anything but payments and refunds is kept for whom it may concern."""
    body, family = told.body, told.kind.partition(".")[0]
    ref = str(body.get("id", ""))
    row = (body.get("metadata") or {}).get("row")
    row = row if isinstance(row, str) else None
    if family == "payment_intent":
        return Meaning("payment", ref, row, _ENDED.get(told.kind, ()))
    if family == "refund" or told.kind == "charge.refund.updated":
        return Meaning("refund", ref, row, ())
    if family == "charge" and body.get("object") == "charge" and isinstance(body.get("payment_intent"), str):
        return Meaning("payment", body["payment_intent"], None, _ENDED.get(told.kind, ()))
    return Meaning("other", ref, row, ())


def kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an event's thing is kept."""
    found = {name: body[name] for name in _KEPT if isinstance(body.get(name), str | int | bool)}
    if body.get("object") == "dispute":
        moved = [{"amount": one["amount"]} for one in body.get("balance_transactions") or ()]
        due_by = (body.get("evidence_details") or {}).get("due_by")
        found |= {"balance_transactions": moved, "evidence_details": {"due_by": due_by}}
    return found
