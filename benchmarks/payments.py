"""Webhooks of the payment gateway: each is of another card payment, which is to be looked at, and none may be lost.

Ours checks the signature, keeps what it may of the event, once, finds the payment it is of and lets the worker look at
it, in one transaction. The peer is a bare Starlette application over asyncpg that checks the signature in the same way
and inserts the event's id, kind and body.
"""

import asyncio
import hashlib
import hmac
import time
import uuid
from datetime import UTC, datetime

import asyncpg
import orjson
from sqlalchemy.engine import make_url

from app.core import embedded
from benchmarks import load, place, processes
from benchmarks.report import Comparison, Series, show

ROUNDS = 5
BURST = 4_000
CONNECTIONS = 32
AIM = 1_000.0
SECRET = "whsec_benchmarks"

_PEOPLE = """
INSERT INTO billing_customer (id, created_at, updated_at, version, community_id, account_id, gateway, ref)
VALUES (CAST(:one AS uuid), :now, :now, 1, CAST(:one AS uuid), CAST(:one AS uuid), 'stripe', 'cus_1')"""
_CARDS = """
INSERT INTO billing_payment_method
    (id, created_at, updated_at, version, community_id, account_id, customer_id, gateway, ref, state)
VALUES (CAST(:one AS uuid), :now, :now, 1, CAST(:one AS uuid), CAST(:one AS uuid), CAST(:one AS uuid), 'stripe', 'pm_1',
    'active')"""
_AUTHORIZATIONS = """
INSERT INTO billing_authorization
    (id, created_at, updated_at, version, community_id, resident_id, organization_id, payer_account_id, reference_kind,
     reference_id, category, service_at, amount, subsidy_amount, currency, method, payment_method_id, is_present, state)
SELECT CAST(md5('a' || n) AS uuid), :now, :now, 1, CAST(:one AS uuid), CAST(:one AS uuid), CAST(:one AS uuid),
    CAST(:one AS uuid), 'home_order', CAST(md5('o' || n) AS uuid), 'cleaning', :now, 5000, 0, 'EUR', 'card',
    CAST(:one AS uuid), true, 'pending'
FROM generate_series(1, CAST(:count AS integer)) AS n"""
_PAYMENTS = """
INSERT INTO billing_card_payment
    (id, created_at, updated_at, version, community_id, resident_id, payer_account_id, authorization_id,
     payment_method_id, gateway, ref, amount, currency, is_present, state, wish_no, asked, fence, captured_amount,
     refunding_amount)
SELECT CAST(md5('p' || n) AS uuid), :now, :now, 1, CAST(:one AS uuid), CAST(:one AS uuid), CAST(:one AS uuid),
    CAST(md5('a' || n) AS uuid), CAST(:one AS uuid), 'stripe', 'pi_' || n, 5000, 'EUR', true, 'requires_action',
    1, 0, 0, 0, 0
FROM generate_series(1, CAST(:count AS integer)) AS n"""
_BARE = (
    "CREATE TABLE bare_event (ref text PRIMARY KEY, kind text NOT NULL, body jsonb NOT NULL, at timestamptz NOT NULL)"
)


def _event(number: int) -> bytes:
    """Return an event as large as Stripe's are."""
    intent = {
        "id": f"pi_{number}",
        "object": "payment_intent",
        "amount": 5_000,
        "amount_capturable": 5_000,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": None,
        "capture_method": "manual",
        "client_secret": f"pi_{number}_secret_{'x' * 25}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": "eur",
        "customer": "cus_1",
        "description": None,
        "last_payment_error": None,
        "latest_charge": f"ch_{number}",
        "livemode": False,
        "metadata": {"row": str(uuid.UUID(bytes=hashlib.md5(f"p{number}".encode()).digest()))},
        "next_action": None,
        "payment_method": "pm_1",
        "payment_method_options": {"card": {"installments": None, "network": None, "request_three_d_secure": "any"}},
        "payment_method_types": ["card"],
        "status": "requires_capture",
        "transfer_group": None,
    }
    return orjson.dumps(
        {
            "id": f"evt_{number}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "data": {"object": intent},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": f"req_{number}", "idempotency_key": str(uuid.uuid4())},
            "type": "payment_intent.amount_capturable_updated",
        }
    )


def _request(path: str, number: int) -> bytes:
    body, stamp = _event(number), int(time.time())
    mac = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    lines = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json; charset=utf-8",
        f"stripe-signature: t={stamp},v1={mac}",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _fire(port: int, path: str, numbers: range) -> load.Outcome:
    requests = [_request(path, number) for number in numbers]
    outcome = asyncio.run(load.fire(port, requests, connections=CONNECTIONS, seconds=60, once=True))
    if outcome.failed or sum(outcome.statuses.values()) != len(requests):
        raise AssertionError(f"not all were taken: {outcome.statuses}")
    return outcome


async def _counted(dsn: str, *queries: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [await connection.fetchval(query) for query in queries]
    finally:
        await connection.close()


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    template = "payments_template"
    url = place.migrated(server, template)
    total = (ROUNDS + 1) * BURST
    statements = (_PEOPLE, _CARDS, _AUTHORIZATIONS, _PAYMENTS, _BARE, "VACUUM ANALYZE")
    asyncio.run(place.execute(url, *statements, now=datetime.now(UTC), one=str(uuid.UUID(int=1)), count=total))
    ours_url, bare_url = (
        place.cloned(server, "payments_ours", template),
        place.cloned(server, "payments_bare", template),
    )
    dsn, our_dsn = (
        make_url(one).set(drivername="postgresql").render_as_string(hide_password=False) for one in (bare_url, ours_url)
    )
    secrets = {
        "HEARTHLINE_STRIPE_SECRET_KEY": "sk_test_benchmarks",
        "HEARTHLINE_STRIPE_WEBHOOK_SECRETS": f'["whsec_next", "{SECRET}"]',
    }
    ours, bare = Series("ours", "webhooks/s"), Series("bare Starlette", "webhooks/s")
    our_slow, bare_slow = Series("ours", "ms p99"), Series("bare Starlette", "ms p99")
    aim = Series("the aim", "webhooks/s")
    with (
        processes.api("app.main:create_app", processes.environment(ours_url, **secrets), factory=True) as our_port,
        processes.api(
            "benchmarks.bare_payments:app", processes.environment(bare_url, BARE_DSN=dsn, BARE_SECRET=SECRET)
        ) as bare_port,
    ):
        for number in range(ROUNDS + 1):
            burst = range(number * BURST + 1, (number + 1) * BURST + 1)
            mine = _fire(our_port, "/v1/payments/stripe/webhooks", burst)
            theirs = _fire(bare_port, "/webhooks", burst)
            if number == 0:
                continue  # statements prepared, caches warm
            ours.add(mine.per_second)
            bare.add(theirs.per_second)
            our_slow.add(mine.p99)
            bare_slow.add(theirs.p99)
            aim.add(AIM)
    kept, looked = asyncio.run(
        _counted(
            our_dsn,
            "SELECT count(*) FROM billing_gateway_event WHERE outcome = 'known'",
            "SELECT count(*) FROM billing_card_payment WHERE wish = 'look'",
        )
    )
    if (kept, looked) != (total, total):
        raise AssertionError(f"of {total}, {kept} were kept and {looked} payments are looked at")
    show(
        f"Webhooks of the payment gateway: {CONNECTIONS} connections, one process each, {total:,} sent, none lost",
        [
            Comparison("taken", ours, aim, 1),
            Comparison("taken", ours, bare, 0.5),
            Comparison("slowest 1 %", our_slow, bare_slow, 4, at_most=True),
        ],
    )
    for name in ("payments_ours", "payments_bare", template):
        server.drop_database(name)
