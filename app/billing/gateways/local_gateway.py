"""The local twin of a gateway: it takes payments with made-up cards, visibly, and remembers them; never in production.

Its cards are known by their last digits, as Stripe's test cards are: see ``CARDS``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.gateways.models import LOCAL_PAYMENTS, LocalPayment
from app.billing.gateways.port import (
    Card,
    Evidence,
    ForgedError,
    Intent,
    NotDoneError,
    PayoutAccount,
    Refund,
    Setup,
    Told,
    Transfer,
    Wanted,
)
from app.core import clock
from app.core.database import reading, unit_of_work

CARDS: Final = {
    "4242": None,
    "4444": None,
    "0341": "generic_decline",
    "9995": "insufficient_funds",
    "0069": "expired_card",
    "3220": "authentication_required",
}
"""Last digits → why the card is declined; the one that asks for proof is good when its holder gives it."""
NOT_SAVED: Final = {"0002": "card_declined"}
"""Those that the bank declines already when they are saved."""
BANK: Final = "/made-up-bank"
"""Where the made-up bank asks, below the page it leads back to."""
_HELD_FOR: Final = timedelta(days=7)
_ASKS: Final = "authentication_required"
_FOUND: Final = sa.select(LOCAL_PAYMENTS.c.body).where(
    LOCAL_PAYMENTS.c.kind == sa.bindparam("wanted_kind"), LOCAL_PAYMENTS.c.ref == sa.bindparam("wanted_ref")
)
_SINCE: Final = (
    sa.select(LOCAL_PAYMENTS.c.ref, LOCAL_PAYMENTS.c.body)
    .where(
        LOCAL_PAYMENTS.c.kind == sa.bindparam("wanted_kind"),
        LOCAL_PAYMENTS.c.created_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
    .order_by(LOCAL_PAYMENTS.c.id.desc())
)
_ONE_AT_A_TIME: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('billing.local_payment', 0))")

log = structlog.get_logger(__name__)

_Json = dict[str, Any]


class LocalGateway:
    """Does at once what a gateway does, and answers a key the same for ever."""

    name = "local"

    async def close(self) -> None:
        """Do nothing: the database is not ours."""

    async def open_customer(self, key: str, row: str) -> str:
        """Return the reference of a new customer."""

        async def do(session: AsyncSession) -> _Json:
            return await _make(session, "customer", "cus", {"row": row})

        return str((await _once(key, ["customer", row], do))["ref"])

    async def forget_customer(self, ref: str) -> None:
        """Delete a customer with their cards; one that is gone already is fine."""
        async with unit_of_work() as session:
            is_theirs = LOCAL_PAYMENTS.c.body["customer"].astext == ref
            cards = sa.and_(LOCAL_PAYMENTS.c.kind.in_(["card", "setup"]), is_theirs)
            themselves = sa.and_(LOCAL_PAYMENTS.c.kind == "customer", LOCAL_PAYMENTS.c.ref == ref)
            await session.execute(sa.delete(LOCAL_PAYMENTS).where(sa.or_(cards, themselves)))

    async def begin_setup(self, key: str, customer: str) -> Setup:
        """Begin to save a card of the customer's: ``save_card`` goes on."""

        async def do(session: AsyncSession) -> _Json:
            await _require(session, "customer", customer)
            return await _make(session, "setup", "seti", {"customer": customer, "card": None})

        made = await _once(key, ["setup", customer], do)
        return Setup(made["ref"], f"{made['ref']}_secret_local")

    async def save_card(self, setup: str, last4: str) -> None:
        """Save one of ``CARDS``, as the payer's app does with Stripe; raises ``NotDoneError``."""
        async with unit_of_work() as session:
            body = await _require(session, "setup", setup)
            if last4 in NOT_SAVED:
                raise NotDoneError(NOT_SAVED[last4], is_card=True)
            if last4 not in CARDS or body["card"] is not None:
                raise NotDoneError("setup_intent_unexpected_state" if body["card"] else "no_such_card")
            made = {"customer": body["customer"], "last4": last4}
            body["card"] = (await _make(session, "card", "pm", made))["ref"]
            await _keep(session, "setup", body)

    async def card_of_setup(self, ref: str) -> Card | None:
        """Return the card a setup has saved, or ``None`` while it has not."""
        setup = await _read("setup", ref)
        if setup["card"] is None:
            return None
        card = await _read("card", setup["card"])
        return Card(card["ref"], "visa", card["last4"], 12, 2034)

    async def forget_card(self, key: str, ref: str) -> None:
        """Detach a saved card; one that is gone already is fine."""

        async def do(session: AsyncSession) -> _Json:
            card = await _find(session, "card", ref) or {"ref": ref}
            if "customer" in card:
                card["customer"] = None
                await _keep(session, "card", card)
            return card

        await _once(key, ["forget", ref], do)

    async def authorize(self, key: str, wanted: Wanted) -> Intent:
        """Hold an amount on a card, to be captured later or let go."""
        asked = [
            wanted.amount,
            wanted.currency,
            wanted.customer,
            wanted.method,
            wanted.present,
            wanted.row,
            wanted.return_url,
        ]

        async def do(session: AsyncSession) -> _Json:
            card = await _require(session, "card", wanted.method)
            if card["customer"] != wanted.customer:
                raise NotDoneError("resource_missing")
            why = CARDS[card["last4"]]
            asks = why == _ASKS and wanted.present
            made = await _make(
                session,
                "intent",
                "pi",
                {
                    "status": "requires_action" if asks else "requires_payment_method" if why else "requires_capture",
                    "amount": wanted.amount,
                    "currency": wanted.currency,
                    "customer": wanted.customer,
                    "last4": card["last4"],
                    "row": wanted.row,
                    "return_url": wanted.return_url,
                    "received": 0,
                    "refunded": 0,
                    "transferred": 0,
                    "capture_before": None if why else (clock.now() + _HELD_FOR).isoformat(),
                    "declined": None if asks else why,
                },
            )
            return made if asks or why is None else {"code": why, "is_card": True, "ref": made["ref"]}

        return _intent(await _once(key, ["authorize", *asked], do))

    async def prove(self, ref: str, *, succeeds: bool = True) -> None:
        """Let the payer prove who they are, or fail to, as their app does with Stripe; raises ``NotDoneError``."""
        async with unit_of_work() as session:
            found = _standing(await _require(session, "intent", ref))
            if found["status"] != "requires_action":
                _refuse_state()
            if succeeds:
                found |= {"status": "requires_capture", "capture_before": (clock.now() + _HELD_FOR).isoformat()}
            else:
                why = "payment_intent_authentication_failure"
                found |= {"status": "requires_payment_method", "declined": why}
            await _keep(session, "intent", found)

    async def intent(self, ref: str) -> Intent:
        """Return how a card payment stands."""
        return _intent(await _read("intent", ref))

    async def capture(self, key: str, ref: str, amount: int) -> Intent:
        """Take an amount of what is held, and let the rest go: once."""

        async def do(session: AsyncSession) -> _Json:
            found = _standing(await _require(session, "intent", ref))
            if found["status"] != "requires_capture":
                _refuse_state(ref)
            if not 0 < amount <= found["amount"]:
                raise NotDoneError("amount_too_large")
            return await _keep(session, "intent", found | {"status": "succeeded", "received": amount})

        return _intent(await _once(key, ["capture", ref, amount], do))

    async def cancel(self, key: str, ref: str) -> Intent:
        """Let go what is held; one that is cancelled already is fine."""

        async def do(session: AsyncSession) -> _Json:
            found = _standing(await _require(session, "intent", ref))
            if found["status"] == "succeeded":
                _refuse_state(ref)
            return await _keep(session, "intent", found | {"status": "canceled"})

        return _intent(await _once(key, ["cancel", ref], do))

    async def refund(self, key: str, intent: str, amount: int, row: str) -> Refund:
        """Give an amount back of what was captured."""

        async def do(session: AsyncSession) -> _Json:
            found = await _require(session, "intent", intent)
            left = found["received"] - found["refunded"]
            if not 0 < amount <= left:
                raise NotDoneError("invalid_request_error" if left else "charge_already_refunded")
            await _keep(session, "intent", found | {"refunded": found["refunded"] + amount})
            return await _make(session, "refund", "re", {"status": "succeeded", "amount": amount, "row": row})

        return _refund(await _once(key, ["refund", intent, amount, row], do))

    async def find_refund(self, ref: str) -> Refund:
        """Return how a refund stands."""
        return _refund(await _read("refund", ref))

    async def open_payout_account(self, key: str, row: str, country: str) -> PayoutAccount:
        """Open an account that an organization is paid to."""

        async def do(session: AsyncSession) -> _Json:
            return await _make(session, "account", "acct", {"wanting": ["external_account"], "row": row})

        return _account(await _once(key, ["account", row, country], do))

    async def onboarding_link(self, ref: str, return_url: str) -> str:
        """Let the organization have said all that is wanted, and lead back at once."""
        async with unit_of_work() as session:
            found = await _require(session, "account", ref)
            await _keep(session, "account", found | {"wanting": []})
        return return_url

    async def payout_account(self, ref: str) -> PayoutAccount:
        """Return how a payout account stands."""
        return _account(await _read("account", ref))

    async def transfer(
        self, key: str, to: str, amount: int, currency: str, row: str, charge: str | None = None
    ) -> Transfer:
        """Move an amount to a payout account: of what a charge brought, or of what there is, which is always enough."""

        async def do(session: AsyncSession) -> _Json:
            if (await _require(session, "account", to))["wanting"]:
                raise NotDoneError("insufficient_capabilities_for_transfer")
            if charge is not None:
                source = await _require(session, "intent", charge)
                if source["currency"] != currency or not 0 < amount <= source["received"] - source["transferred"]:
                    raise NotDoneError("invalid_request_error")
                await _keep(session, "intent", source | {"transferred": source["transferred"] + amount})
            return await _make(session, "transfer", "tr", {"amount": amount, "reversed": 0, "row": row})

        return _transfer(await _once(key, ["transfer", to, amount, currency, row, charge], do))

    async def reverse_transfer(self, key: str, ref: str, amount: int) -> Transfer:
        """Take an amount of a transfer back."""

        async def do(session: AsyncSession) -> _Json:
            found = await _require(session, "transfer", ref)
            if not 0 < amount <= found["amount"] - found["reversed"]:
                raise NotDoneError("invalid_request_error")
            return await _keep(session, "transfer", found | {"reversed": found["reversed"] + amount})

        return _transfer(await _once(key, ["reverse", ref, amount], do))

    async def give_evidence(self, key: str, ref: str, evidence: Evidence) -> None:  # noqa: ARG002 - the port's
        """Raise ``NotDoneError``: nobody disputes what the twin took."""
        raise NotDoneError("resource_missing")

    async def intents_since(self, since: datetime, customer: str | None = None) -> AsyncIterator[Intent]:
        """Return the card payments made since an instant, the latest first."""
        for body in await _since("intent", since):
            if customer in (None, body["customer"]):
                yield _intent(body)

    async def refunds_since(self, since: datetime) -> AsyncIterator[Refund]:
        """Return the refunds made since an instant, the latest first."""
        for body in await _since("refund", since):
            yield _refund(body)

    async def transfers_since(self, since: datetime) -> AsyncIterator[Transfer]:
        """Return the transfers made since an instant, the latest first."""
        for body in await _since("transfer", since):
            yield _transfer(body)

    def verify(self, body: bytes, signature: str) -> Told:  # noqa: ARG002 - the port's
        """Raise ``ForgedError``: the twin calls nobody."""
        raise ForgedError("the local twin sends no webhooks")


async def _once(key: str, asked: list[Any], do: Callable[[AsyncSession], Awaitable[_Json]]) -> _Json:
    """Return what was done under a key: now, or the first time. One at a time, which is enough for a demo."""
    async with unit_of_work() as session:
        await session.execute(_ONE_AT_A_TIME)
        kept = await _find(session, "answer", key)
        if kept is None:
            try:
                answer = await do(session)
            except NotDoneError as error:
                answer = {"code": error.code, "ref": error.ref}
            kept = {"ref": key, "asked": asked, "answer": answer}
            session.add(LocalPayment(kind="answer", ref=key, body=kept))
            log.info("local_payment", what=asked[0], status=answer.get("code") or answer.get("status", "done"))
    if kept["asked"] != asked:
        raise NotDoneError("idempotency_error")
    answer = kept["answer"]
    if "code" in answer:
        raise NotDoneError(answer["code"], is_card=answer.get("is_card", False), ref=answer["ref"])
    return dict(answer)


async def _find(session: AsyncSession, kind: str, ref: str) -> _Json | None:
    body = await session.scalar(_FOUND, {"wanted_kind": kind, "wanted_ref": ref})
    return None if body is None else dict(body)


async def _require(session: AsyncSession, kind: str, ref: str) -> _Json:
    found = await _find(session, kind, ref)
    if found is None:
        raise NotDoneError("resource_missing")
    return found


async def _read(kind: str, ref: str) -> _Json:
    async with reading() as connection:
        body = await connection.scalar(_FOUND, {"wanted_kind": kind, "wanted_ref": ref})
    if body is None:
        raise NotDoneError("resource_missing")
    return dict(body)


async def _since(kind: str, since: datetime) -> list[_Json]:
    async with reading() as connection:
        return [row.body for row in await connection.execute(_SINCE, {"wanted_kind": kind, "since": since})]


async def _make(session: AsyncSession, kind: str, prefix: str, body: _Json) -> _Json:
    made_id = clock.new_id()
    made = {"ref": f"{prefix}_local_{made_id.hex}", **body}
    session.add(LocalPayment(id=made_id, kind=kind, ref=made["ref"], body=made))
    await session.flush()
    return made


async def _keep(session: AsyncSession, kind: str, body: _Json) -> _Json:
    at = sa.and_(LOCAL_PAYMENTS.c.kind == kind, LOCAL_PAYMENTS.c.ref == body["ref"])
    await session.execute(sa.update(LOCAL_PAYMENTS).where(at).values(body=body, updated_at=clock.now()))
    return body


def _refuse_state(ref: str | None = None) -> NoReturn:
    raise NotDoneError("payment_intent_unexpected_state", ref=ref)


def _standing(body: _Json) -> _Json:
    """Return an intent as it stands now: what was not captured in time is let go."""
    before = body["capture_before"]
    lapsed = body["status"] == "requires_capture" and datetime.fromisoformat(before) <= clock.now()
    return body | {"status": "canceled"} if lapsed else body


def _intent(body: _Json) -> Intent:
    of = _standing(body)
    before = of["capture_before"]
    return Intent(
        ref=of["ref"],
        status=of["status"],
        amount=of["amount"],
        capturable=of["amount"] if of["status"] == "requires_capture" else 0,
        received=of["received"],
        capture_before=datetime.fromisoformat(before) if before else None,
        client_secret=f"{of['ref']}_secret_local" if of["status"] == "requires_action" else None,
        action_url=f"{of['return_url']}{BANK}" if of["status"] == "requires_action" and of.get("return_url") else None,
        declined=of["declined"],
        charge=of["ref"] if before else None,
        row=of["row"],
    )


def _refund(of: _Json) -> Refund:
    return Refund(of["ref"], of["status"], of["amount"], row=of["row"])


def _account(of: _Json) -> PayoutAccount:
    return PayoutAccount(of["ref"], not of["wanting"], tuple(of["wanting"]))


def _transfer(of: _Json) -> Transfer:
    return Transfer(of["ref"], of["amount"], of["reversed"], of["row"])
