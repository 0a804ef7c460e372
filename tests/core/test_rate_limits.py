"""Rate limits: what passes, what is refused, and that a refusal counts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from app.core import rate_limits
from app.core.access import public
from app.core.clock import ManualClock
from app.core.database import Database
from app.core.problems import Conflict, TooManyRequests
from app.core.rate_limits import Rate, client_address, limit, rate_limited, refill, use
from app.core.routing import Reading, Router, Session
from app.core.settings import HttpSettings, RateLimitSettings, Settings, install_settings, settings

RATE = Rate(burst=3, period=timedelta(seconds=30))


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[None]:
    before = settings()
    install_settings(Settings(environment="test", ratelimits=RateLimitSettings(store=request.param)))
    rate_limits._memory = rate_limits._Memory()
    yield
    install_settings(before)


async def test_a_burst_passes_then_one_per_refill(database: Database, clock: ManualClock, store: None) -> None:
    assert [(await use("x", "k", RATE)).allowed for _ in range(5)] == [True, True, True, False, False]
    clock.advance(timedelta(seconds=9))
    assert not (await use("x", "k", RATE)).allowed
    clock.advance(timedelta(seconds=1))
    assert (await use("x", "k", RATE)).allowed
    assert not (await use("x", "k", RATE)).allowed


async def test_several_tokens_are_taken_all_or_none(database: Database, clock: ManualClock, store: None) -> None:
    assert (await use("x", "k", RATE, amount=2)).allowed
    refused = await use("x", "k", RATE, amount=2)
    assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 1, 10)
    assert (await use("x", "k", RATE)).allowed
    clock.advance(timedelta(seconds=20))
    assert (await use("x", "k", RATE, amount=2)).allowed
    assert not (await use("x", "k", RATE)).allowed


async def test_keys_and_names_are_separate(database: Database, clock: ManualClock, store: None) -> None:
    once = Rate(1, timedelta(minutes=1))
    assert [(await use(name, key, once)).allowed for name, key in (("x", "a"), ("x", "b"), ("y", "a"), ("x", "a"))] == [
        True,
        True,
        True,
        False,
    ]


async def test_a_refusal_says_when_to_come_back(database: Database, clock: ManualClock, store: None) -> None:
    for _ in range(3):
        await limit("x", "k", RATE)
    with pytest.raises(TooManyRequests) as refused:
        await limit("x", "k", RATE)
    assert refused.value.headers == {
        "Retry-After": "10",
        "RateLimit-Policy": '"x";q=3;w=30',
        "RateLimit": '"x";r=0;t=10',
    }
    clock.advance(timedelta(seconds=10))
    await limit("x", "k", RATE)


async def test_uses_at_once_are_all_counted(database: Database, clock: ManualClock) -> None:
    rate = Rate(burst=5, period=timedelta(minutes=1))
    allowances = await asyncio.gather(*(use("x", "k", rate) for _ in range(20)))
    assert sum(allowance.allowed for allowance in allowances) == 5


async def test_full_buckets_are_forgotten(database: Database, clock: ManualClock) -> None:
    await use("x", "k", RATE)
    assert await rate_limits.forget_full() == 0
    clock.advance(timedelta(seconds=10))
    assert await rate_limits.forget_full() == 1


@given(st.floats(0, 100), st.integers(1, 100), st.floats(1, 1e6), st.floats(-1e6, 1e9))
def test_a_bucket_never_overflows_and_never_loses(tokens: float, burst: int, period: float, elapsed: float) -> None:
    tokens = min(tokens, burst)
    filled = refill(tokens, Rate(burst, timedelta(seconds=period)), timedelta(seconds=elapsed))
    assert tokens <= filled <= burst


def _request(address: str | None, forwarded: str | None = None) -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "client": (address, 1) if address else None, "headers": headers})


@pytest.fixture
def behind_proxies() -> Iterator[None]:
    before = settings()
    http = HttpSettings(trusted_proxies=("10.0.0.0/8", "fd00::/8", "unix"))
    install_settings(Settings(environment="test", http=http))
    yield
    install_settings(before)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # not our proxy: its word is worth nothing
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.66, 203.0.113.9, 10.0.0.2", "203.0.113.9"),  # the left is the caller's own word
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        (None, "203.0.113.9", "203.0.113.9"),
        (None, None, "unix"),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy_of_ours(
    behind_proxies: None, peer: str | None, forwarded: str | None, expected: str
) -> None:
    assert client_address(_request(peer, forwarded)) == expected


def test_without_trusted_proxies_only_the_peer_counts() -> None:
    assert client_address(_request("10.0.0.1", "203.0.113.9")) == "10.0.0.1"
    assert client_address(_request(None, "203.0.113.9")) == "unix"


def test_an_ipv6_network_is_one_client() -> None:
    assert client_address(_request("2001:db8::1")) == client_address(_request("2001:db8::ffff:1"))
    assert client_address(_request("::ffff:192.0.2.1")) != client_address(_request("::ffff:192.0.2.2"))


@pytest_asyncio.fixture(loop_scope="session")
async def things(store: None, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of three limited routes: one reads, one is rolled back, one is tried twice."""
    router = Router(tags=["test"])
    limited = [Depends(rate_limited("things", RATE))]

    @router.get("/things", dependencies=limited)
    @public("test")
    async def list_things(connection: Reading) -> str:
        return str(await connection.scalar(sa.text("SELECT 'things'")))

    @router.post("/things", dependencies=limited)
    @public("test")
    async def add_thing(session: Session) -> str:
        await session.execute(sa.text("SELECT 1"))
        raise Conflict("rolled back")

    @router.put("/things", dependencies=limited)
    @public("test")
    async def put_thing(session: Session, request: Request) -> str:
        tries = request.scope["tries"] = request.scope.get("tries", 0) + 1
        if tries < 3:
            await session.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))
        return str(tries)

    application = FastAPI()
    application.include_router(router)
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_a_limited_route_says_what_is_left(things: httpx.AsyncClient, clock: ManualClock) -> None:
    answers = [await things.get("/v1/things") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"things";q=3;w=30'
    assert answers[0].headers["RateLimit"].startswith('"things";r=2;')
    assert answers[3].json()["code"] == "too_many_requests"
    assert (answers[3].headers["Retry-After"], answers[3].headers["RateLimit"]) == ("10", '"things";r=0;t=10')


async def test_what_is_refused_or_rolled_back_counts(things: httpx.AsyncClient, clock: ManualClock) -> None:
    answers = [(await things.post("/v1/things", json={})).status_code for _ in range(4)]
    assert answers == [409, 409, 409, 429]


async def test_a_request_whose_transaction_is_tried_again_counts_once(
    things: httpx.AsyncClient, clock: ManualClock
) -> None:
    answers = [await things.put("/v1/things", json={}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].json() == "3"


async def test_more_limited_reads_at_once_than_connections_do_not_block_each_other(
    things: httpx.AsyncClient, clock: ManualClock
) -> None:
    answers = await asyncio.gather(*(things.get("/v1/things") for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 37
