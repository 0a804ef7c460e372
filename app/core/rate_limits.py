"""Rate limits per actor and per address: a bucket that refills steadily, counted even when the request is refused."""

import hashlib
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import sqlalchemy as sa
from fastapi import Request
from sqlmodel import Field, SQLModel

from app.core import clock
from app.core.access import authenticate
from app.core.database import reading
from app.core.jobs import Job
from app.core.problems import TooManyRequests
from app.core.settings import settings
from app.core.tables import Privacy, instant

_MEMORY_BUCKETS = 100_000


class RateBucket(SQLModel, table=True):
    """How full a bucket was when it was last used; lost in a crash, which only forgives."""

    __tablename__ = "core_rate_bucket"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)
    privacy: ClassVar[Privacy] = Privacy.none("keys are hashes, forgotten when the bucket is full again")

    key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary)
    tokens: float
    full_at: datetime = instant(index=True)
    used_at: datetime = instant()
    allowed: bool = Field(description="whether the last use found a token: how the statement tells its caller")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``burst`` at once, refilled at ``burst`` per ``period``."""

    burst: int
    period: timedelta

    @property
    def per_second(self) -> float:
        """How many tokens flow back per second."""
        return self.burst / self.period.total_seconds()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a use of the bucket came to: allowed or not, tokens left, seconds until one is there again."""

    allowed: bool
    remaining: int
    retry_after: int


# One statement takes a token if there is one: concurrent uses queue on the row, none is counted twice or lost.
_TAKE = sa.text(
    """
INSERT INTO core_rate_bucket AS b (key, tokens, used_at, full_at, allowed)
VALUES (:key, :burst - 1, :now, :now + make_interval(secs => 1 / :per_second), true)
ON CONFLICT (key) DO UPDATE SET (tokens, allowed, used_at, full_at) = (
    SELECT CASE WHEN filled >= 1 THEN filled - 1 ELSE filled END, filled >= 1, :now,
           :now + make_interval(secs => (:burst - filled + 1) / :per_second)
    FROM (SELECT least(:burst, b.tokens + :per_second * greatest(extract(epoch FROM :now - b.used_at)::float8, 0)) AS filled) f
)
RETURNING tokens, allowed
"""
).bindparams(
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.bindparam("burst", type_=sa.Float),
    sa.bindparam("per_second", type_=sa.Float),
)
_FORGET = sa.text("DELETE FROM core_rate_bucket WHERE full_at <= :now").bindparams(
    sa.bindparam("now", type_=sa.DateTime(timezone=True))
)


def refill(tokens: float, rate: Rate, elapsed: timedelta) -> float:
    """Return the tokens in a bucket that held ``tokens`` when it was last used, ``elapsed`` ago."""
    return min(float(rate.burst), tokens + rate.per_second * max(elapsed.total_seconds(), 0.0))


class _Memory:
    """Buckets of this process alone, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[bytes, tuple[float, datetime]] = OrderedDict()

    def take(self, key: bytes, rate: Rate, now: datetime) -> Allowance:
        tokens, used_at = self._buckets.get(key, (float(rate.burst), now))
        tokens = refill(tokens, rate, now - used_at)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MEMORY_BUCKETS:
            self._buckets.popitem(last=False)
        return _allowance(allowed, self._buckets[key][0], rate)


_memory = _Memory()


async def use(name: str, key: str, rate: Rate) -> Allowance:
    """Take a token from the bucket of ``key`` under the limit ``name`` and say what came of it.

    Committed by itself, so that it counts whatever becomes of the request.
    """
    hashed = hashlib.sha256(f"{name}\n{key}".encode()).digest()
    now = clock.now()
    if settings().ratelimits.store == "memory":
        return _memory.take(hashed, rate, now)
    parameters = {"key": hashed, "burst": float(rate.burst), "per_second": rate.per_second, "now": now}
    async with reading() as connection:
        row = (await connection.execute(_TAKE, parameters)).one()
    return _allowance(row.allowed, row.tokens, rate)


def _allowance(allowed: bool, tokens: float, rate: Rate) -> Allowance:
    missing = max(1 - tokens, 0.0)
    return Allowance(allowed, math.floor(tokens), max(1, math.ceil(missing / rate.per_second)))


async def limit(name: str, key: str, rate: Rate) -> None:
    """Take a token or raise ``TooManyRequests`` with ``Retry-After`` and the ``RateLimit`` headers (IETF draft)."""
    allowance = await use(name, key, rate)
    if not allowance.allowed:
        raise TooManyRequests(
            headers={
                "Retry-After": str(allowance.retry_after),
                "RateLimit-Policy": f'"{name}";q={rate.burst};w={int(rate.period.total_seconds())}',
                "RateLimit": f'"{name}";r={allowance.remaining};t={allowance.retry_after}',
            }
        )


def rate_limited(
    name: str, rate: Rate, *, by: Literal["address", "actor"] = "address"
) -> Callable[[Request], Awaitable[None]]:
    """Return the dependency that limits a route per client address or per actor."""

    async def guard(request: Request) -> None:
        key = client_address(request) if by == "address" else str((await authenticate(request)).id)
        await limit(name, key, rate)

    return guard


def client_address(request: Request) -> str:
    """Return who sent the request; ``X-Forwarded-For`` counts only when a trusted proxy sent it.

    Of an IPv6 address only the /64 network: its owner has all the others too.
    """
    address = request.client.host if request.client else "unknown"
    trusted = settings().http.trusted_proxies
    if address in trusted:
        hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
        address = next((hop for hop in reversed(hops) if hop not in trusted), address)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


async def forget_full() -> int:
    """Delete the buckets that are full again and return how many there were."""
    async with reading() as connection:
        return int((await connection.execute(_FORGET, {"now": clock.now()})).rowcount)


FORGET_JOB = Job(name="core.forget_full_rate_buckets", every=timedelta(minutes=10), run=forget_full)
