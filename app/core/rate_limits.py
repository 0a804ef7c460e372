"""Rate limits per actor and per address: a bucket that refills steadily, counted even when the request is refused."""

import hashlib
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import ClassVar, Literal

import sqlalchemy as sa
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field, SQLModel

from app.core import clock
from app.core.access import ANONYMOUS, authenticate
from app.core.batches import delete_past
from app.core.database import reading
from app.core.jobs import Job
from app.core.problems import TooManyRequests
from app.core.settings import settings
from app.core.tables import Privacy, instant, table_of

UNIX_SOCKET = "unix"
"""What ``HEARTHLINE_HTTP_TRUSTED_PROXIES`` calls a proxy that connects over a Unix socket."""

_MEMORY_BUCKETS = 100_000
_COUNTED = "hearthline_counted"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
VALUES (:key, :burst - :amount, :now, :now + make_interval(secs => :amount / :per_second), true)
ON CONFLICT (key) DO UPDATE SET (tokens, allowed, used_at, full_at) = (
    SELECT CASE WHEN filled >= :amount THEN filled - :amount ELSE filled END, filled >= :amount, :now,
           :now + make_interval(secs => (:burst - filled + :amount) / :per_second)
    FROM (SELECT least(:burst, b.tokens + :per_second * greatest(extract(epoch FROM :now - b.used_at)::float8, 0))
                 AS filled) f
)
RETURNING tokens, allowed
"""
).bindparams(
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.bindparam("burst", type_=sa.Float),
    sa.bindparam("amount", type_=sa.Float),
    sa.bindparam("per_second", type_=sa.Float),
)


# Below nothing by what flows back until then. The longer of two pauses holds.
_EMPTY = sa.text(
    """
INSERT INTO core_rate_bucket (key, tokens, used_at, full_at, allowed) VALUES (:key, :tokens, :now, :full_at, false)
ON CONFLICT (key) DO UPDATE SET tokens = excluded.tokens, used_at = excluded.used_at, full_at = excluded.full_at
WHERE core_rate_bucket.full_at < excluded.full_at
"""
).bindparams(
    sa.bindparam("tokens", type_=sa.Float),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.bindparam("full_at", type_=sa.DateTime(timezone=True)),
)


def refill(tokens: float, rate: Rate, elapsed: timedelta) -> float:
    """Return the tokens in a bucket that held ``tokens`` when it was last used, ``elapsed`` ago."""
    return min(float(rate.burst), tokens + rate.per_second * max(elapsed.total_seconds(), 0.0))


class _Memory:
    """Buckets of this process alone, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[bytes, tuple[float, datetime]] = OrderedDict()

    def take(self, key: bytes, rate: Rate, now: datetime, amount: int) -> Allowance:
        tokens, used_at = self._buckets.get(key, (float(rate.burst), now))
        tokens = refill(tokens, rate, now - used_at)
        allowed = tokens >= amount
        self._buckets[key] = (tokens - amount if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MEMORY_BUCKETS:
            self._buckets.popitem(last=False)
        return _allowance(allowed, self._buckets[key][0], rate, amount)

    def empty(self, key: bytes, tokens: float, now: datetime) -> None:
        self._buckets[key] = (tokens, now)


_memory = _Memory()


async def use(
    name: str, key: str, rate: Rate, connection: AsyncConnection | None = None, *, amount: int = 1
) -> Allowance:
    """Take ``amount`` tokens, all or none, from the bucket of ``key`` under the limit ``name``; say what came of it.

    ``amount`` is at most the rate's burst. Committed by itself, so that it counts whatever becomes of the request.
    ``connection`` is an autocommit one that is at hand: a request that holds one must not wait for a second.
    """
    hashed, now = _hashed(name, key), clock.now()
    if settings().ratelimits.store == "memory":
        return _memory.take(hashed, rate, now, amount)
    parameters = {
        "key": hashed,
        "burst": float(rate.burst),
        "amount": float(amount),
        "per_second": rate.per_second,
        "now": now,
    }
    if connection is not None:
        row = (await connection.execute(_TAKE, parameters)).one()
    else:
        async with reading() as borrowed:
            row = (await borrowed.execute(_TAKE, parameters)).one()
    return _allowance(row.allowed, row.tokens, rate, amount)


async def empty(name: str, key: str, rate: Rate, pause: timedelta, *, amount: int = 1) -> None:
    """Leave the bucket of ``key`` so empty that ``amount`` tokens are there again only after ``pause``."""
    hashed, now = _hashed(name, key), clock.now()
    tokens = amount - rate.per_second * pause.total_seconds()
    if settings().ratelimits.store == "memory":
        _memory.empty(hashed, tokens, now)
        return
    full_at = now + pause + timedelta(seconds=(rate.burst - amount) / rate.per_second)
    async with reading() as connection:
        await connection.execute(_EMPTY, {"key": hashed, "tokens": tokens, "now": now, "full_at": full_at})


def _hashed(name: str, key: str) -> bytes:
    return hashlib.sha256(f"{name}\n{key}".encode()).digest()


def _allowance(allowed: bool, tokens: float, rate: Rate, amount: int) -> Allowance:
    missing = max(amount - tokens, 0.0)
    return Allowance(allowed, math.floor(tokens), max(1, math.ceil(missing / rate.per_second)))


async def limit(name: str, key: str, rate: Rate, connection: AsyncConnection | None = None) -> dict[str, str]:
    """Take a token and return the ``RateLimit`` headers (IETF draft) that say what is left.

    Raises ``TooManyRequests`` with them and ``Retry-After``.
    """
    allowance = await use(name, key, rate, connection)
    headers = {
        "RateLimit-Policy": f'"{name}";q={rate.burst};w={math.ceil(rate.period.total_seconds())}',
        "RateLimit": f'"{name}";r={allowance.remaining};t={allowance.retry_after}',
    }
    if not allowance.allowed:
        raise TooManyRequests(headers={"Retry-After": str(allowance.retry_after), **headers})
    return headers


def rate_limited(
    name: str, rate: Rate, *, by: Literal["address", "actor"] = "address"
) -> Callable[[Request, Response], Awaitable[None]]:
    """Return the dependency that limits a route per client address or per actor (nobody signed in: per address)."""

    async def guard(request: Request, response: Response) -> None:
        counted: set[str] = request.scope.setdefault(_COUNTED, set())
        if name in counted:
            return  # the same request, its transaction tried again
        counted.add(name)
        connection: AsyncConnection | None = getattr(request.state, "reading", None)
        for header, value in (await limit(name, await _key(request, by), rate, connection)).items():
            response.headers.append(header, value)

    return guard


async def _key(request: Request, by: Literal["address", "actor"]) -> str:
    actor = await authenticate(request) if by == "actor" else ANONYMOUS
    return client_address(request) if actor.kind == "anonymous" else str(actor.id)


def client_address(request: Request) -> str:
    """Return who sent the request; ``X-Forwarded-For`` counts only as far as trusted proxies wrote it.

    Of an IPv6 address only the /64 network: its owner has all the others too.
    """
    address = _parsed(request.client.host) if request.client else None
    hops = [hop.strip() for value in request.headers.getlist("x-forwarded-for") for hop in value.split(",")]
    while hops and _is_trusted(address):
        hop = _parsed(hops.pop())
        if hop is None:
            break
        address = hop
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or UNIX_SOCKET)


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # Where one socket serves both families, an IPv4 address comes dressed as IPv6: not one of them all in one /64.
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address | None) -> bool:
    """Say whether a peer is one of our proxies: by address, by network, or by being on a Unix socket."""
    trusted = settings().http.trusted_proxies
    if address is None:
        return UNIX_SOCKET in trusted
    return any(address in network for network in _networks(trusted))


@cache
def _networks(trusted: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(entry, strict=False) for entry in trusted if entry != UNIX_SOCKET)


async def forget_full() -> int:
    """Delete a batch of the buckets that are full again and return how many went."""
    async with reading() as connection:
        return await delete_past(connection, table_of(RateBucket), "full_at", clock.now())


FORGET_JOB = Job(name="core.forget_full_rate_buckets", every=timedelta(minutes=10), run=forget_full)
