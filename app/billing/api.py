"""Billing's door: who may ask for money, and who may see it, is for the packages above to know."""

from app.billing.authorizations.problems import NotAuthorized, NothingToRefund, PaymentMethodUnusable
from app.billing.authorizations.rules import Method
from app.billing.authorizations.schemas import AuthorizationPublic, Authorizing, Line, Settling
from app.billing.authorizations.service.authorizing import authorize
from app.billing.authorizations.service.authorizing import extend as extend_authorization
from app.billing.authorizations.service.settling import refund as refund_charge
from app.billing.authorizations.service.settling import settle, void
from app.billing.authorizations.views import authorizations_for, card_refunds_for
from app.billing.charges.problems import ChargeNotOpen, PaymentKnown, PaymentsToRefund, TooMuchPaid
from app.billing.charges.schemas import ChargeDetail, PaymentPublic, PaymentRecord
from app.billing.charges.service.counting import Owed, cancel_charge, open_charge
from app.billing.charges.service.desks import record_payment
from app.billing.charges.views import charges_for
from app.billing.charges.views import miscounted as miscounted_charges
from app.billing.disputes.service.freezing import freeze, unfreeze
from app.billing.disputes.service.telling import dispute_told
from app.billing.disputes.views import Frozen, frozen
from app.billing.gateway_events.service import replay as replay_gateway_events
from app.billing.invoices.rules.sides import STATEMENT_SIDES
from app.billing.ledger.views import drifted as drifted_accounts
from app.billing.ledger.views import unbalanced as unbalanced_entries
from app.billing.payers.problems import NotThePayer, PayerLimit
from app.billing.payers.service import payer_of
from app.billing.payouts.service.accounts import account_told
from app.billing.reconciliation.repository import open_ones as open_discrepancies
from app.billing.reconciliation.service import Compared, reconcile
from app.billing.subsidies.rules import Share, Split
from app.billing.subsidies.views import subsidy_preview
from app.billing.tills.service import Till, TillKind, enter_difference, enter_return, enter_sale
from app.billing.wallet.service.removing import forget as forget_cards

__all__ = [
    "STATEMENT_SIDES",
    "AuthorizationPublic",
    "Authorizing",
    "ChargeDetail",
    "ChargeNotOpen",
    "Compared",
    "Frozen",
    "Line",
    "Method",
    "NotAuthorized",
    "NotThePayer",
    "NothingToRefund",
    "Owed",
    "PayerLimit",
    "PaymentKnown",
    "PaymentMethodUnusable",
    "PaymentPublic",
    "PaymentRecord",
    "PaymentsToRefund",
    "Settling",
    "Share",
    "Split",
    "Till",
    "TillKind",
    "TooMuchPaid",
    "account_told",
    "authorizations_for",
    "authorize",
    "cancel_charge",
    "card_refunds_for",
    "charges_for",
    "dispute_told",
    "drifted_accounts",
    "enter_difference",
    "enter_return",
    "enter_sale",
    "extend_authorization",
    "forget_cards",
    "freeze",
    "frozen",
    "miscounted_charges",
    "open_charge",
    "open_discrepancies",
    "payer_of",
    "reconcile",
    "record_payment",
    "refund_charge",
    "replay_gateway_events",
    "settle",
    "subsidy_preview",
    "unbalanced_entries",
    "unfreeze",
    "void",
]
