"""Billing's door: who may ask for money, and who may see it, is for the packages above to know."""

from app.billing.problems import PaymentsToRefund
from app.billing.schemas import ChargeDetail, PaymentPublic
from app.billing.service import Owed, cancel_charge, open_charge
from app.billing.views import charges_for

__all__ = [
    "ChargeDetail",
    "Owed",
    "PaymentPublic",
    "PaymentsToRefund",
    "cancel_charge",
    "charges_for",
    "open_charge",
]
