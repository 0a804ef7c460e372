"""The loopback Stripe as a server: keys, idempotency, faults, lists, and webhooks that are sent when a test says so."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

import httpx
import orjson
from aiohttp import web

from app.core import clock
from tests.emulators.stripe import cards, money
from tests.emulators.stripe.state import State, public
from tests.emulators.stripe.wire import Json, RefusedError, missing, nested, require_known

LISTS = {
    "payment_intents": ("payment_intent", ("customer",)),
    "refunds": ("refund", ("payment_intent", "charge")),
    "transfers": ("transfer", ("destination",)),
    "disputes": ("dispute", ("payment_intent", "charge")),
    "events": ("event", ("type",)),
}
SINGLE = {
    "customers": "customer",
    "setup_intents": "setup_intent",
    "payment_methods": "payment_method",
    "payment_intents": "payment_intent",
    "refunds": "refund",
    "disputes": "dispute",
    "accounts": "account",
    "transfers": "transfer",
}
SECRET_KEY = "sk_test_loopback"
SECRET = "whsec_loopback"
CONNECT_SECRET = "whsec_connect_loopback"

What = Literal["hangs_after", "cut_before", "cut_after", "error_before", "error_after", "busy", "slow"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the next call whose ``METHOD path`` begins like ``on``.

    ``hangs_after``, ``cut_after``: it is done, and its answer is lost. ``cut_before``: it never arrives.
    ``error_before``, ``error_after``: a 500, which is kept as the key's answer, without or with the thing being done.
    ``busy``: a 429. ``slow``: it is done when ``go`` is set.
    """

    what: What
    on: str = "POST"


@dataclass
class _Kept:
    """What a key was used for, and how that ended; ``None`` while it has not."""

    asked: Any
    status: int = 0
    body: bytes | None = None


class Stripe:
    """Serves the API; with no faults left it simply works."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.url = ""
        self.state = State(now)
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str, str | None]] = []
        """Method, path and idempotency key of every call."""
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        self._keys: dict[str, _Kept] = {}
        self._posts = [
            (re.compile(f"/v1/{path.replace('{ref}', '(?P<ref>[a-z]+_[0-9]+)')}"), known, does)
            for path, known, does in (*cards.ROUTES, *money.ROUTES)
        ]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a call."""
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        self.calls.append((request.method, request.path, key))
        self.arrived.set()
        if request.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return _answer(401, RefusedError("Invalid API Key provided", status=401).body)
        fault = self._take_fault(f"{request.method} {request.path}")
        if fault == "busy":
            body = RefusedError("Too many requests", status=429, code="rate_limit").body
            return _answer(429, body, {"Retry-After": "7"})
        if fault == "cut_before":
            return _cut(request)
        pairs = parse_qsl(await request.text() if request.method == "POST" else request.query_string, True)
        asked = nested(pairs)
        if key is None:
            return await self._do(request, asked, fault)
        return await self._once(request, asked, fault, key)

    async def _once(self, request: web.Request, asked: Json, fault: What | None, key: str) -> web.StreamResponse:
        """Do what a key is for once: its answer is kept, a refusal of the parameters themselves is not."""
        if len(key) > 255:
            return _answer(400, RefusedError("Idempotency keys may have up to 255 characters.").body)
        wanted = (request.path, asked)
        kept = self._keys.get(key)
        if kept is not None and kept.asked != wanted:
            text = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            return _answer(400, RefusedError(text, kind="idempotency_error").body)
        if kept is not None and kept.body is None:
            text = "There is currently another in-progress request using this Idempotent Key."
            return _answer(409, RefusedError(text, status=409, code="idempotency_key_in_use").body)
        if kept is not None and kept.body is not None:
            return web.Response(
                status=kept.status,
                body=kept.body,
                content_type="application/json",
                headers={"Idempotent-Replayed": "true", "Stripe-Should-Retry": "false"},
            )
        kept = self._keys[key] = _Kept(wanted)
        try:
            answer = await self._do(request, asked, fault, kept)
        except BaseException:  # the caller went away before anything was done
            if kept.body is None:
                del self._keys[key]
            raise
        if kept.body is None:
            del self._keys[key]
        return answer

    async def _do(
        self, request: web.Request, asked: Json, fault: What | None, kept: _Kept | None = None
    ) -> web.StreamResponse:
        if fault == "slow":
            await self.go.wait()
        status, body, is_kept = 500, _SERVER_ERROR, True
        if fault != "error_before":
            status, body, is_kept = self._carry_out(request, asked)
            if fault == "error_after":
                status, body = 500, _SERVER_ERROR
        answer = _answer(status, body, {"Stripe-Should-Retry": "false"} if status >= 500 else {})
        if kept is not None and is_kept:
            kept.status, kept.body = status, orjson.dumps(body)
        if fault == "cut_after":
            return _cut(request)
        if fault == "hangs_after":
            await self.go.wait()
        return answer

    def _carry_out(self, request: web.Request, asked: Json) -> tuple[int, Json, bool]:
        """Return status, body, and whether anything was tried, so that the answer is kept."""
        asked = dict(asked)
        expand = asked.pop("expand", [])
        try:
            if request.method == "GET":
                return 200, self.state.shown(self._read(request.path, asked), expand), False
            if request.method == "DELETE" and request.path.startswith("/v1/customers/"):
                return 200, cards.forget_customer(self.state, request.path.rpartition("/")[2]), False
            return 200, self.state.shown(self._write(request.path, asked), expand), True
        except RefusedError as error:
            is_invalid = error.error.get("code", "").startswith("parameter_")
            return error.status, error.body, not is_invalid

    def _write(self, path: str, asked: Json) -> Json:
        for pattern, known, does in self._posts:
            if found := pattern.fullmatch(path):
                require_known(asked, known)
                return does(self.state, asked, **found.groupdict())
        raise RefusedError(f"Unrecognized request URL (POST: {path}).", status=404)

    def _read(self, path: str, asked: Json) -> Json:
        _, _, kind, *rest = path.split("/")
        if len(rest) == 1 and kind in SINGLE:
            require_known(asked, ())
            return self.state.get(SINGLE[kind], rest[0])
        if rest or kind not in LISTS:
            raise RefusedError(f"Unrecognized request URL (GET: {path}).", status=404)
        single, filters = LISTS[kind]
        require_known(asked, (*filters, "created.gte", "created.lt", "limit", "starting_after"))
        limit = int(asked.get("limit", 10))
        if not 1 <= limit <= 100:
            raise RefusedError("Invalid limit", code="parameter_invalid")
        created = asked.get("created", {})
        found = [
            one
            for one in self.state.all_of(single)
            if one["created"] >= int(created.get("gte", 0))
            and one["created"] < int(created.get("lt", 1 << 40))
            and all(one.get(name) == asked[name] for name in filters if name in asked)
        ]
        if after := asked.get("starting_after"):
            places = [place for place, one in enumerate(found) if one["id"] == after]
            if not places:
                raise missing(after)
            found = found[places[0] + 1 :]
        return {
            "object": "list",
            "url": path,
            "has_more": len(found) > limit,
            "data": [public(one) for one in found[:limit]],
        }

    def _take_fault(self, call: str) -> What | None:
        for place, fault in enumerate(self.faults):
            if call.startswith(fault.on):
                del self.faults[place]
                return fault.what
        return None

    def saves_card(self, setup: str, card: str = "pm_card_visa") -> str:
        """Let the payer's app save a card, and return its id; raises ``RefusedError``."""
        return str(cards.confirm_setup(self.state, {"payment_method": card}, setup)["payment_method"])

    def card_turns(self, card: str, *fails: str) -> None:
        """Let a saved card be declined from now on, with a code and a decline code; without, be good again."""
        self.state.get("payment_method", card)["_is"] = {"fails": fails} if fails else {}

    def proves(self, intent: str, *, succeeds: bool = True) -> None:
        """Let the payer prove who they are, or fail to."""
        found = self.state.get("payment_intent", intent)
        assert found["status"] == "requires_action", found["status"]
        try:
            if not succeeds:
                cards.refuse(self.state, found, "payment_intent_authentication_failure", None)
            cards.hold(self.state, found, cards.HELD_FOR)
        except RefusedError:
            pass  # the app is told

    async def deliver(self, client: httpx.AsyncClient, url: str, events: list[Json] | None = None) -> list[int]:
        """Send the events that are not delivered yet, in their order, or ``events`` as they are given.

        Returns the answers; what was not taken stays to be delivered, as Stripe tries for days.
        """
        statuses = []
        for event in list(self.state.events if events is None else events):
            body = orjson.dumps(public(event))
            secret = CONNECT_SECRET if "account" in event else SECRET
            headers = {"Stripe-Signature": self.sign(body, secret), "Content-Type": "application/json; charset=utf-8"}
            answer = await client.post(url, content=body, headers=headers)
            statuses.append(answer.status_code)
            if answer.is_success:
                self.state.events = [one for one in self.state.events if one["id"] != event["id"]]
        return statuses

    def sign(self, body: bytes, secret: str = SECRET, at: int | None = None) -> str:
        """Return the header that a body is signed with."""
        stamp = self.state.now if at is None else at
        mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={stamp},v1={mac}"


_SERVER_ERROR: Json = {"error": {"type": "api_error", "message": "An unknown error occurred"}}


def _answer(status: int, body: Json, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Request-Id": "req_loopback", **(headers or {})},
    )


def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def stripe(now: Callable[[], datetime] = clock.now) -> AsyncIterator[Stripe]:
    """Run a Stripe on the loopback address for as long as the block runs."""
    running = Stripe(now)
    app = web.Application()
    app.router.add_route("*", "/v1/{rest:.*}", running.serve)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield running
    finally:
        running.go.set()
        await runner.cleanup()
