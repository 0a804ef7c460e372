"""Cards, who has them, and what is held and taken on them."""

from tests.emulators.stripe.state import Route, State, public
from tests.emulators.stripe.wire import Json, RefusedError, declined, missing, one_of, whole

DAY = 86_400
HELD_FOR = 7 * DAY
HELD_WITHOUT_THEM_FOR = 5 * DAY
"""What the payer did not take part in is held for a shorter time."""

CARDS: dict[str, Json] = {
    "pm_card_visa": {"brand": "visa", "last4": "4242"},
    "pm_card_mastercard": {"brand": "mastercard", "last4": "4444"},
    "pm_card_threeDSecureRequired": {"brand": "visa", "last4": "3063", "asks": True},
    "pm_card_authenticationRequired": {"brand": "visa", "last4": "3184", "asks": True},
    "pm_card_chargeCustomerFail": {"brand": "visa", "last4": "0341", "fails": ("card_declined", "generic_decline")},
    "pm_card_pendingRefund": {"brand": "visa", "last4": "7726", "refund": "pending"},
    "pm_card_refundFail": {"brand": "visa", "last4": "5126", "refund": "failing"},
}
NOT_SAVED = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
}
"""Cards that are refused when they are saved already."""
_INTENT = (
    "amount",
    "currency",
    "customer",
    "payment_method",
    "payment_method_types",
    "capture_method",
    "confirm",
    "off_session",
    "use_stripe_sdk",
    "return_url",
    "transfer_group",
    "metadata.*",
)


def open_customer(state: State, given: Json) -> Json:
    made = state.make("customer", metadata=given.get("metadata", {}))
    state.tell("customer.created", made)
    return made


def forget_customer(state: State, ref: str) -> Json:
    state.get("customer", ref)
    del state.objects[ref]
    for card in state.all_of("payment_method"):
        if card["customer"] == ref:
            card["customer"] = None
    return {"id": ref, "object": "customer", "deleted": True}


def begin_setup(state: State, given: Json) -> Json:
    state.get("customer", given.get("customer", ""))
    one_of(given, "usage", "off_session", "on_session")
    made = state.make(
        "setup_intent", customer=given["customer"], usage=given["usage"], payment_method=None, next_action=None
    )
    made.update(client_secret=f"{made['id']}_secret_x", status="requires_payment_method")
    return made


def confirm_setup(state: State, given: Json, ref: str) -> Json:
    """Save a card, as the payer's app does. A shared test card becomes one of the customer's own."""
    setup = state.get("setup_intent", ref)
    card = given.get("payment_method", "")
    if card in NOT_SAVED:
        raise declined(*NOT_SAVED[card])
    if card not in CARDS:
        raise missing(card)
    if setup["status"] == "succeeded":
        raise RefusedError("This SetupIntent has succeeded already.", code="setup_intent_unexpected_state")
    kept = {name: CARDS[card][name] for name in ("brand", "last4")} | {"exp_month": 12, "exp_year": 2034}
    made = state.make("payment_method", type="card", customer=setup["customer"], card=kept, _is=CARDS[card])
    setup.update(status="succeeded", payment_method=made["id"])
    state.tell("payment_method.attached", made)
    state.tell("setup_intent.succeeded", setup)
    return setup


def detach(state: State, given: Json, ref: str) -> Json:
    card = state.get("payment_method", ref)
    if card["customer"] is None:
        raise RefusedError("The payment method you provided is not attached to a customer so detachment is impossible.")
    card["customer"] = None
    state.tell("payment_method.detached", card)
    return card


def authorize(state: State, given: Json) -> Json:
    amount = whole(given, "amount")
    one_of(given, "capture_method", "manual")
    one_of(given, "confirm", "true")
    if len(given.get("currency", "")) != 3 or not given["currency"].islower():
        raise RefusedError("Invalid currency", code="parameter_invalid", param="currency")
    state.get("customer", given.get("customer", ""))
    card = state.get("payment_method", given.get("payment_method", ""))
    if card["customer"] != given["customer"]:
        raise RefusedError("The PaymentMethod does not belong to the Customer.", code="resource_missing")
    intent = state.make(
        "payment_intent",
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        currency=given["currency"],
        customer=given["customer"],
        payment_method=card["id"],
        payment_method_types=given.get("payment_method_types", []),
        capture_method="manual",
        transfer_group=given.get("transfer_group"),
        latest_charge=None,
        last_payment_error=None,
        next_action=None,
        cancellation_reason=None,
        status="requires_confirmation",
        metadata=given.get("metadata", {}),
    )
    intent["client_secret"] = f"{intent['id']}_secret_x"
    state.tell("payment_intent.created", intent)
    is_alone = given.get("off_session") == "true"
    if card["_is"].get("asks") and not is_alone:
        intent.update(status="requires_action", next_action=_asking(given, intent))
        state.tell("payment_intent.requires_action", intent)
        return intent
    if card["_is"].get("asks"):
        refuse(state, intent, "authentication_required", "authentication_required")
    hold(state, intent, HELD_WITHOUT_THEM_FOR if is_alone else HELD_FOR)
    return intent


def _asking(given: Json, intent: Json) -> Json:
    """Return how the payer is asked who they are: by an SDK of Stripe's, or on a page that leads back."""
    if given.get("use_stripe_sdk") == "true":
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    if not given.get("return_url"):
        raise RefusedError("This PaymentIntent requires a return_url.", code="parameter_missing", param="return_url")
    url = f"https://hooks.stripe.com/redirect/authenticate/{intent['id']}?client_secret={intent['client_secret']}"
    return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": given["return_url"]}}


def hold(state: State, intent: Json, seconds: int) -> None:
    """Hold the amount on the card; raises ``RefusedError`` if the card is declined."""
    card = state.get("payment_method", intent["payment_method"])
    if fails := card["_is"].get("fails"):
        refuse(state, intent, *fails)
    charge = state.make(
        "charge",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        captured=False,
        refunded=False,
        currency=intent["currency"],
        payment_intent=intent["id"],
        payment_method=card["id"],
        payment_method_details={"type": "card", "card": {**card["card"], "capture_before": state.now + seconds}},
        disputed=False,
        status="succeeded",
        _transferred=0,
        _settled=False,
    )
    intent.update(
        status="requires_capture", latest_charge=charge["id"], amount_capturable=intent["amount"], next_action=None
    )
    state.tell("payment_intent.amount_capturable_updated", intent)


def refuse(state: State, intent: Json, code: str, decline_code: str | None) -> None:
    """Let the card be declined; raises ``RefusedError``."""
    error = {"type": "card_error", "code": code, "decline_code": decline_code}
    intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None, next_action=None)
    state.tell("payment_intent.payment_failed", intent)
    raise declined(code, decline_code, payment_intent=public(intent))


def capture(state: State, given: Json, ref: str) -> Json:
    intent = state.get("payment_intent", ref)
    _require(intent, "captured", "requires_capture")
    amount = whole(given, "amount_to_capture") if "amount_to_capture" in given else intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise RefusedError("The amount to capture is greater than the amount held.", code="amount_too_large")
    charge = state.get("charge", intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
    state.tell("charge.captured", charge)
    state.tell("payment_intent.succeeded", intent)
    return intent


def cancel(state: State, given: Json, ref: str) -> Json:
    intent = state.get("payment_intent", ref)
    _require(
        intent,
        "cancelled",
        "requires_payment_method",
        "requires_capture",
        "requires_confirmation",
        "requires_action",
    )
    intent.update(status="canceled", amount_capturable=0, canceled_at=state.now, next_action=None)
    state.tell("payment_intent.canceled", intent)
    return intent


def _require(intent: Json, what: str, *states: str) -> None:
    if intent["status"] not in states:
        raise RefusedError(
            f"This PaymentIntent could not be {what} because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )


ROUTES: list[Route] = [
    ("customers", ("metadata.*",), open_customer),
    ("setup_intents", ("customer", "usage", "payment_method_types"), begin_setup),
    ("setup_intents/{ref}/confirm", ("payment_method",), confirm_setup),
    ("payment_methods/{ref}/detach", (), detach),
    ("payment_intents", _INTENT, authorize),
    ("payment_intents/{ref}/capture", ("amount_to_capture",), capture),
    ("payment_intents/{ref}/cancel", ("cancellation_reason",), cancel),
]
