"""Stripe, over its own client. It is asked once per call: whoever asks comes back under the same key."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import orjson
import stripe
from pydantic import SecretStr
from stripe import RequestOptions, StripeObject, WebhookSignature

from app.billing.gateways.port import (
    Card,
    Evidence,
    ForgedError,
    Intent,
    NotAnsweredError,
    NotDoneError,
    PayoutAccount,
    Refund,
    Setup,
    Told,
    Transfer,
    Wanted,
)
from app.core import clock
from app.core.stripe_settings import StripeSettings

_PAGE: Final = 100
_TOLERANCE: Final = timedelta(minutes=5)
_SIGNATURE: Final = re.compile(r"t=(\d{1,11})(?:,v\d=[0-9A-Za-z]+)+", re.ASCII)
"""One instant and what signs it: of two the client would verify the one and we read the other."""
_WHOLE: Final = ["latest_charge"]
"""What an intent is returned with: until when it may be captured is known to its charge."""
_SERVER_ERROR: Final = 500

stripe.enable_telemetry = False  # it would keep an id in the home directory, and tell Stripe how long its answers took

_Json = dict[str, Any]


class StripeGateway:
    """Speaks for the platform's account; made for a batch and closed with it, connects when it is first asked."""

    name = "stripe"

    def __init__(self, secret_key: SecretStr, of: StripeSettings) -> None:
        self._secret_key = secret_key
        self._of = of
        self._http: stripe.HTTPXClient | None = None

    @cached_property
    def _v1(self) -> Any:
        # The client's types of what may be sent are hundreds of classes, whose names change; tests refuse what is none.
        is_encrypted = self._of.api_base.startswith("https://")
        self._http = stripe.HTTPXClient(timeout=self._of.timeout, verify_ssl_certs=is_encrypted)
        return stripe.StripeClient(
            self._secret_key.get_secret_value(),
            base_addresses={"api": self._of.api_base},
            max_network_retries=0,
            http_client=self._http,
        ).v1

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close_async()  # type: ignore[no-untyped-call] # Stripe's

    async def open_customer(self, key: str, row: str) -> str:
        """Return the reference of a new customer, who is known by ``row`` alone."""
        async with self._asking():
            made = await self._v1.customers.create_async({"metadata": {"row": row}}, _under(key))
        return str(made.id)

    async def forget_customer(self, ref: str) -> None:
        """Delete a customer with their cards; one that is gone already is fine."""
        try:
            async with self._asking():
                await self._v1.customers.delete_async(ref)
        except NotDoneError as error:
            if error.code != "resource_missing":
                raise

    async def begin_setup(self, key: str, customer: str) -> Setup:
        """Begin to save a card of the customer's, to be charged when they are not there, too."""
        wanted = {"customer": customer, "payment_method_types": ["card"], "usage": "off_session"}
        async with self._asking():
            made = await self._v1.setup_intents.create_async(wanted, _under(key))
        return Setup(made.id, made.client_secret)

    async def card_of_setup(self, ref: str) -> Card | None:
        """Return the card a setup has saved, or ``None`` while it has not."""
        async with self._asking():
            found = _plain(await self._v1.setup_intents.retrieve_async(ref, {"expand": ["payment_method"]}))
        return _card(found["payment_method"]) if found["status"] == "succeeded" else None

    async def forget_card(self, key: str, ref: str) -> None:
        """Detach a saved card; one that is gone already is fine."""
        try:
            async with self._asking():
                await self._v1.payment_methods.detach_async(ref, {}, _under(key))
        except NotDoneError as error:
            if error.code == "resource_missing":
                return
            async with self._asking():
                found = _plain(await self._v1.payment_methods.retrieve_async(ref))
            if found.get("customer") is not None:
                raise

    async def authorize(self, key: str, wanted: Wanted) -> Intent:
        """Hold an amount on a card, to be captured later or let go."""
        asked: _Json = {
            "amount": wanted.amount,
            "currency": wanted.currency.lower(),
            "customer": wanted.customer,
            "payment_method": wanted.method,
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
            "metadata": {"row": wanted.row},
            "expand": _WHOLE,
            **({"return_url": wanted.return_url} if wanted.present else {"off_session": True}),
        }
        async with self._asking():
            return _intent(await self._v1.payment_intents.create_async(asked, _under(key)))

    async def intent(self, ref: str) -> Intent:
        """Return how a card payment stands."""
        async with self._asking():
            return _intent(await self._v1.payment_intents.retrieve_async(ref, {"expand": _WHOLE}))

    async def capture(self, key: str, ref: str, amount: int) -> Intent:
        """Take an amount of what is held, and let the rest go: once."""
        wanted = {"amount_to_capture": amount, "expand": _WHOLE}
        async with self._asking():
            return _intent(await self._v1.payment_intents.capture_async(ref, wanted, _under(key)))

    async def cancel(self, key: str, ref: str) -> Intent:
        """Let go what is held; one that is cancelled already is fine."""
        try:
            async with self._asking():
                return _intent(await self._v1.payment_intents.cancel_async(ref, {"expand": _WHOLE}, _under(key)))
        except NotDoneError:
            found = await self.intent(ref)
            if found.status != "canceled":
                raise
            return found

    async def refund(self, key: str, intent: str, amount: int, row: str) -> Refund:
        """Give an amount back of what was captured."""
        wanted = {"payment_intent": intent, "amount": amount, "metadata": {"row": row}}
        async with self._asking():
            return _refund(await self._v1.refunds.create_async(wanted, _under(key)))

    async def find_refund(self, ref: str) -> Refund:
        """Return how a refund stands."""
        async with self._asking():
            return _refund(await self._v1.refunds.retrieve_async(ref))

    async def open_payout_account(self, key: str, row: str, country: str) -> PayoutAccount:
        """Open an account whose holder Stripe itself asks who they are, and whose losses are the platform's."""
        wanted = {
            "country": country,
            "capabilities": {"transfers": {"requested": True}},
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "express"},
            },
            "metadata": {"row": row},
        }
        async with self._asking():
            return _account(await self._v1.accounts.create_async(wanted, _under(key)))

    async def onboarding_link(self, ref: str, return_url: str) -> str:
        """Return the address of Stripe's page for the account. It opens once: each asking makes another."""
        wanted = {
            "account": ref,
            "refresh_url": return_url,
            "return_url": return_url,
            "type": "account_onboarding",
        }
        async with self._asking():
            made = await self._v1.account_links.create_async(wanted, _under(str(clock.new_id())))
        return str(made.url)

    async def payout_account(self, ref: str) -> PayoutAccount:
        """Return how a payout account stands."""
        async with self._asking():
            return _account(await self._v1.accounts.retrieve_async(ref))

    async def transfer(
        self, key: str, to: str, amount: int, currency: str, row: str, charge: str | None = None
    ) -> Transfer:
        """Move an amount to a payout account: of what a charge brought, as soon as it is there, or of what is."""
        wanted = {
            "amount": amount,
            "currency": currency.lower(),
            "destination": to,
            "metadata": {"row": row},
            **({"source_transaction": charge} if charge else {}),
        }
        async with self._asking():
            return _transfer(await self._v1.transfers.create_async(wanted, _under(key)))

    async def reverse_transfer(self, key: str, ref: str, amount: int) -> Transfer:
        """Take an amount of a transfer back, and return how the transfer stands."""
        async with self._asking():
            await self._v1.transfers.reversals.create_async(ref, {"amount": amount}, _under(key))
            return _transfer(await self._v1.transfers.retrieve_async(ref))

    async def give_evidence(self, key: str, ref: str, evidence: Evidence) -> None:
        """Submit evidence against a dispute, once and for good."""
        said = {
            "uncategorized_text": evidence.explanation,
            "product_description": evidence.what_was_done,
            "service_date": evidence.done_on,
            "service_documentation": evidence.file,
        }
        wanted = {"evidence": {name: value for name, value in said.items() if value}, "submit": True}
        async with self._asking():
            await self._v1.disputes.update_async(ref, wanted, _under(key))

    async def intents_since(self, since: datetime, customer: str | None = None) -> AsyncIterator[Intent]:
        """Return the card payments made since an instant, the latest first."""
        narrowed = {"customer": customer} if customer else {}
        async for found in self._listed(self._v1.payment_intents, since, expand=["data.latest_charge"], **narrowed):
            yield _intent(found)

    async def refunds_since(self, since: datetime) -> AsyncIterator[Refund]:
        """Return the refunds made since an instant, the latest first."""
        async for found in self._listed(self._v1.refunds, since):
            yield _refund(found)

    async def transfers_since(self, since: datetime) -> AsyncIterator[Transfer]:
        """Return the transfers made since an instant, the latest first."""
        async for found in self._listed(self._v1.transfers, since):
            yield _transfer(found)

    def verify(self, body: bytes, signature: str) -> Told:
        """Return what a webhook tells, by any of the secrets; raises ``ForgedError``."""
        signed_at = _SIGNATURE.fullmatch(signature)
        if signed_at is None or not any(_is_signed(body, signature, secret) for secret in self._secrets):
            raise ForgedError("not signed by any known secret")
        if clock.now() - datetime.fromtimestamp(int(signed_at[1]), UTC) > _TOLERANCE:
            raise ForgedError("too old")
        try:
            event = orjson.loads(body)
            happened_at = datetime.fromtimestamp(event["created"], UTC)
            return Told(str(event["id"]), str(event["type"]), happened_at, dict(event["data"]["object"]))
        except (ValueError, TypeError, KeyError, OverflowError):
            raise ForgedError("not an event") from None

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(one.get_secret_value() for one in self._of.webhook_secrets + self._of.connect_webhook_secrets)

    async def _listed(self, of: Any, since: datetime, **narrowed: Any) -> AsyncIterator[StripeObject]:
        wanted: _Json = {"created": {"gte": int(since.timestamp())}, "limit": _PAGE, **narrowed}
        while True:
            async with self._asking():
                page = await of.list_async(wanted)
            for found in page.data:
                yield found
            if not page.has_more:
                return
            wanted["starting_after"] = page.data[-1].id

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Bound a call in time, and say in the port's words how it failed."""
        try:
            # The client's own limit is for each read: a trickle would go on for ever.
            async with asyncio.timeout(self._of.timeout):
                yield
        except TimeoutError:
            raise NotAnsweredError("timeout") from None
        except stripe.StripeError as error:
            raise _understood(error) from None


def _under(key: str) -> RequestOptions:
    return {"idempotency_key": key}


def _understood(error: stripe.StripeError) -> NotAnsweredError | NotDoneError:
    said = _said(error)
    code = str(said.get("decline_code") or said.get("code") or said.get("type") or "refused")
    if isinstance(error, stripe.CardError):
        return NotDoneError(code, is_card=True, ref=_ref_of(said))
    if isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError):
        return NotDoneError(code, ref=_ref_of(said))
    headers = error.headers or {}
    status = error.http_status
    if status is None:
        return NotAnsweredError("connection")
    # Not even a wrong key of ours (401, 403) says that the card was refused: once it is mended this will do.
    again_after = headers.get("retry-after", "")
    return NotAnsweredError(
        f"http_{status}",
        float(again_after) if again_after.isdecimal() else None,
        is_stuck=status >= _SERVER_ERROR and headers.get("idempotent-replayed") == "true",
    )


def _said(error: stripe.StripeError) -> _Json:
    said = error.json_body.get("error") if isinstance(error.json_body, dict) else None
    return said if isinstance(said, dict) else {}


def _ref_of(said: _Json) -> str | None:
    intent = said.get("payment_intent")
    return str(intent["id"]) if isinstance(intent, dict) and "id" in intent else None


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:  # without a tolerance: what is too old is said by our own clock
        return bool(WebhookSignature.verify_header(body, signature, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _plain(of: StripeObject) -> _Json:
    return of.to_dict()


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _row(of: _Json) -> str | None:
    return (of.get("metadata") or {}).get("row")


def _card(of: _Json) -> Card:
    card = of["card"]
    return Card(of["id"], card["brand"], card["last4"], card["exp_month"], card["exp_year"])


def _intent(found: StripeObject) -> Intent:
    of = _plain(found)
    charge = of.get("latest_charge") or {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    declined = of.get("last_payment_error") or {}
    return Intent(
        ref=of["id"],
        status=of["status"],
        amount=of["amount"],
        capturable=of.get("amount_capturable") or 0,
        received=of.get("amount_received") or 0,
        capture_before=_instant(card.get("capture_before")),
        client_secret=of.get("client_secret") if of["status"] == "requires_action" else None,
        action_url=_action_url(of),
        declined=declined.get("decline_code") or declined.get("code"),
        charge=charge.get("id"),
        row=_row(of),
    )


def _action_url(of: _Json) -> str | None:
    """Return the page the payer is to be led to; one that is not encrypted leads nobody to their bank."""
    action = of.get("next_action") or {}
    url = (action.get("redirect_to_url") or {}).get("url") if action.get("type") == "redirect_to_url" else None
    return url if isinstance(url, str) and url.startswith("https://") else None


def _refund(found: StripeObject) -> Refund:
    of = _plain(found)
    return Refund(of["id"], of["status"], of["amount"], of.get("failure_reason"), _row(of))


def _account(found: StripeObject) -> PayoutAccount:
    of = _plain(found)
    wanting = (of.get("requirements") or {}).get("currently_due") or ()
    return PayoutAccount(of["id"], bool(of.get("payouts_enabled")), tuple(wanting))


def _transfer(found: StripeObject) -> Transfer:
    of = _plain(found)
    return Transfer(of["id"], of["amount"], of.get("amount_reversed") or 0, _row(of))
