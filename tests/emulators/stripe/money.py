"""Money that goes on or back: refunds, disputes, and what organizations are paid."""

from tests.emulators.stripe.state import Route, State
from tests.emulators.stripe.wire import Json, RefusedError, one_of, whole


def refund(state: State, given: Json) -> Json:
    intent = state.get("payment_intent", given.get("payment_intent", ""))
    if intent["status"] != "succeeded":
        raise RefusedError("This PaymentIntent does not have a successful charge to refund.")
    charge = state.get("charge", intent["latest_charge"])
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise RefusedError("The charge has already been refunded.", code="charge_already_refunded")
    amount = whole(given, "amount") if "amount" in given else left
    if amount > left:
        raise RefusedError(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
    kind = state.get("payment_method", charge["payment_method"])["_is"].get("refund")
    charge["amount_refunded"] += amount
    state.brought(charge, -amount)
    made = state.make(
        "refund",
        amount=amount,
        charge=charge["id"],
        payment_intent=intent["id"],
        currency=charge["currency"],
        status="pending" if kind == "pending" else "succeeded",
        metadata=given.get("metadata", {}),
    )
    state.tell("refund.created", made)
    state.tell("charge.refunded", charge)
    return made


def end_refund(state: State, ref: str, status: str) -> None:
    """Let a refund succeed or fail later, as banks do."""
    found = state.get("refund", ref)
    found["status"] = status
    if status == "failed":
        found["failure_reason"] = "lost_or_stolen_card"
        charge = state.get("charge", found["charge"])
        charge["amount_refunded"] -= found["amount"]
        state.brought(charge, found["amount"])
        state.tell("refund.failed", found)
    state.tell("refund.updated", found)


def dispute(state: State, intent: str) -> Json:
    """Let the payer dispute what was taken: the money is withdrawn until it is decided."""
    charge = state.get("charge", state.get("payment_intent", intent)["latest_charge"])
    charge["disputed"] = True
    made = state.make(
        "dispute",
        amount=charge["amount_captured"] - charge["amount_refunded"],
        charge=charge["id"],
        payment_intent=intent,
        currency=charge["currency"],
        reason="product_not_received",
        status="needs_response",
        evidence={},
        evidence_details={"due_by": state.now + 7 * 86_400, "submission_count": 0},
        balance_transactions=[],
    )
    state.tell("charge.dispute.created", made)
    made["balance_transactions"].append({"object": "balance_transaction", "amount": -made["amount"]})
    state.brought(charge, -made["amount"])
    state.tell("charge.dispute.funds_withdrawn", made)
    return made


def give_evidence(state: State, given: Json, ref: str) -> Json:
    found = state.get("dispute", ref)
    if found["status"] not in ("needs_response", "under_review"):
        raise RefusedError("This dispute is already closed.", code="dispute_closed")
    found["evidence"].update(given.get("evidence", {}))
    if given.get("submit") == "true":
        found["status"] = "under_review"
        found["evidence_details"]["submission_count"] += 1
    state.tell("charge.dispute.updated", found)
    return found


def decide(state: State, ref: str, outcome: str) -> None:
    """Let the bank decide a dispute: ``won`` or ``lost``."""
    found = state.get("dispute", ref)
    found["status"] = outcome
    if outcome == "won":
        found["balance_transactions"].append({"object": "balance_transaction", "amount": found["amount"]})
        state.brought(state.get("charge", found["charge"]), found["amount"])
        state.tell("charge.dispute.funds_reinstated", found)
    state.tell("charge.dispute.closed", found)


def open_account(state: State, given: Json) -> Json:
    if len(given.get("country", "")) != 2:
        raise RefusedError("Invalid country", code="parameter_invalid", param="country")
    return state.make(
        "account",
        country=given["country"],
        controller=given.get("controller", {}),
        capabilities={"transfers": "inactive"},
        payouts_enabled=False,
        requirements={"currently_due": ["external_account", "tos_acceptance.date"]},
        metadata=given.get("metadata", {}),
    )


def link(state: State, given: Json) -> Json:
    state.get("account", given.get("account", ""))
    one_of(given, "type", "account_onboarding")
    return {
        "object": "account_link",
        "created": state.now,
        "expires_at": state.now + 300,
        "url": f"https://connect.stripe.com/setup/e/{given['account']}/x",
    }


def onboard(state: State, ref: str) -> None:
    """Let an organization say all that is wanted, on Stripe's pages."""
    account = state.get("account", ref)
    account.update(payouts_enabled=True, capabilities={"transfers": "active"}, requirements={"currently_due": []})
    state.tell("account.updated", account)


def transfer(state: State, given: Json) -> Json:
    amount = whole(given, "amount")
    account = state.get("account", given.get("destination", ""))
    if account["capabilities"]["transfers"] != "active":
        raise RefusedError(
            "The destination account lacks the transfers capability.", code="insufficient_capabilities_for_transfer"
        )
    source = given.get("source_transaction")
    if source is None:
        if amount > state.available.get(given.get("currency", ""), 0):
            raise RefusedError("You have insufficient available funds.", code="balance_insufficient")
        state.available[given["currency"]] -= amount
    else:
        charge = state.get("charge", source)
        if not charge["captured"] or charge["currency"] != given.get("currency"):
            raise RefusedError("The source_transaction cannot be used.", code="parameter_invalid")
        if charge["_transferred"] + amount > charge["amount_captured"]:
            raise RefusedError("Transfers using this transaction as a source must not exceed its amount.")
        charge["_transferred"] += amount
        state.brought(charge, -amount)
    made = state.make(
        "transfer",
        amount=amount,
        amount_reversed=0,
        reversed=False,
        currency=given["currency"],
        destination=account["id"],
        source_transaction=source,
        metadata=given.get("metadata", {}),
    )
    state.tell("transfer.created", made)
    return made


def reverse(state: State, given: Json, ref: str) -> Json:
    found = state.get("transfer", ref)
    left = found["amount"] - found["amount_reversed"]
    amount = whole(given, "amount") if "amount" in given else left
    if amount > left:
        raise RefusedError(f"The reversal amount ({amount}) is greater than what is left ({left}).")
    found["amount_reversed"] += amount
    state.available[found["currency"]] = state.available.get(found["currency"], 0) + amount
    found["reversed"] = found["amount_reversed"] == found["amount"]
    made = state.make("transfer_reversal", amount=amount, currency=found["currency"], transfer=ref)
    state.tell("transfer.reversed", found)
    return made


ROUTES: list[Route] = [
    ("refunds", ("payment_intent", "amount", "reason", "metadata.*"), refund),
    ("disputes/{ref}", ("evidence.*", "submit"), give_evidence),
    (
        "accounts",
        (
            "country",
            "capabilities.transfers.requested",
            "controller.fees.payer",
            "controller.losses.payments",
            "controller.requirement_collection",
            "controller.stripe_dashboard.type",
            "metadata.*",
        ),
        open_account,
    ),
    ("account_links", ("account", "refresh_url", "return_url", "type"), link),
    (
        "transfers",
        ("amount", "currency", "destination", "source_transaction", "transfer_group", "metadata.*"),
        transfer,
    ),
    ("transfers/{ref}/reversals", ("amount",), reverse),
]
