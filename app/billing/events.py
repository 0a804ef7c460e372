"""The facts billing emits: past tense, ids only, versioned."""

import uuid
from typing import ClassVar

from app.core.events import Event


class _OfCharge(Event):
    """``aggregate_id`` is the charge's; ``reference_kind`` and ``reference_id`` say what it is for."""

    name: ClassVar[str] = "billing.of_charge.v1"

    payer_id: uuid.UUID
    organization_id: uuid.UUID
    reference_kind: str
    reference_id: uuid.UUID


class _OfAuthorization(Event):
    """``aggregate_id`` is the authorization's; ``reference_kind`` and ``reference_id`` say what it is for."""

    name: ClassVar[str] = "billing.of_authorization.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    reference_kind: str
    reference_id: uuid.UUID


class AuthorizationSucceeded(_OfAuthorization):
    """All of the money is promised: what it is for can be done."""

    name: ClassVar[str] = "billing.authorization_succeeded.v1"


class AuthorizationNeedsAction(_OfAuthorization):
    """The bank wants the payer to prove who they are."""

    name: ClassVar[str] = "billing.authorization_needs_action.v1"


class AuthorizationFailed(_OfAuthorization):
    """The money was not promised."""

    name: ClassVar[str] = "billing.authorization_failed.v1"


class AuthorizationLapsed(_OfAuthorization):
    """The money was promised once and is so no longer, and no other promise could be had."""

    name: ClassVar[str] = "billing.authorization_lapsed.v1"


class CardRefundFailed(_OfAuthorization):
    """Money could not be given back on the card: it has to go another way."""

    name: ClassVar[str] = "billing.card_refund_failed.v1"


class ChargeOpened(_OfCharge):
    """Something is owed."""

    name: ClassVar[str] = "billing.charge_opened.v1"


class ChargeCredited(_OfCharge):
    """A part of what was owed was waived."""

    name: ClassVar[str] = "billing.charge_credited.v1"

    credit_id: uuid.UUID


class ChargePaid(_OfCharge):
    """All that was owed has been paid."""

    name: ClassVar[str] = "billing.charge_paid.v1"


class ChargeReopened(_OfCharge):
    """A payment was given back: something is owed again."""

    name: ClassVar[str] = "billing.charge_reopened.v1"


class _OfDispute(Event):
    """``aggregate_id`` is the dispute's; ``reference_kind`` and ``reference_id`` say what was paid for."""

    name: ClassVar[str] = "billing.of_dispute.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    reference_kind: str
    reference_id: uuid.UUID


class DisputeOpened(_OfDispute):
    """Whoever paid on a card says to their bank that it was wrong: the amount is not paid out until that is decided."""

    name: ClassVar[str] = "billing.dispute_opened.v1"


class DisputeClosed(_OfDispute):
    """A dispute was decided, or taken back: ``outcome`` is won, lost or closed."""

    name: ClassVar[str] = "billing.dispute_closed.v1"

    outcome: str
