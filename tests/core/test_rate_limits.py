"""Rate limits: what passes, what is refused, and that a refusal counts."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from app.core import rate_limits
from app.core.clock import ManualClock
from app.core.database import Database
from app.core.problems import TooManyRequests
from app.core.rate_limits import Rate, client_address, limit, refill, use
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


def _request(address: str, forwarded: str | None = None) -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "client": (address, 1), "headers": headers})


def test_a_forwarded_address_counts_only_from_a_trusted_proxy() -> None:
    before = settings()
    assert client_address(_request("198.51.100.7", "203.0.113.9")) == "198.51.100.7"
    install_settings(Settings(environment="test", http=HttpSettings(trusted_proxies=("10.0.0.1", "10.0.0.2"))))
    assert client_address(_request("10.0.0.1", "203.0.113.66, 203.0.113.9, 10.0.0.2")) == "203.0.113.9"
    assert client_address(_request("198.51.100.7", "203.0.113.9")) == "198.51.100.7"
    assert client_address(_request("10.0.0.1")) == "10.0.0.1"
    install_settings(before)


def test_an_ipv6_network_is_one_client() -> None:
    assert client_address(_request("2001:db8::1")) == client_address(_request("2001:db8::ffff:1"))
