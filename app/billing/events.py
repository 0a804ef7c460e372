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


class ChargePaid(_OfCharge):
    """All that was owed has been paid."""

    name: ClassVar[str] = "billing.charge_paid.v1"


class ChargeReopened(_OfCharge):
    """A payment was given back: something is owed again."""

    name: ClassVar[str] = "billing.charge_reopened.v1"
