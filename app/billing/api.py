"""Billing's door: who may ask for money, and who may see it, is for the packages above to know."""

from app.billing.charges.problems import PaymentsToRefund
from app.billing.charges.schemas import ChargeDetail, PaymentPublic
from app.billing.charges.service import Owed, cancel_charge, open_charge
from app.billing.charges.views import charges_for

__all__ = [
    "ChargeDetail",
    "Owed",
    "PaymentPublic",
    "PaymentsToRefund",
    "cancel_charge",
    "charges_for",
    "open_charge",
]
