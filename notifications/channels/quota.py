"""A provider's quota, held by all workers together: tokens are leased from a shared bucket a block at a time."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, failures, rate_limits
from app.core.rate_limits import Rate

BLOCK: Final = 500
LEASE: Final = timedelta(seconds=10)  # then unused tokens are given up: they belong to a minute that is over
_CRITICAL_SHARE: Final = 0.05  # is never given to anybody else, and never asked for: critical messages go out

log = structlog.get_logger(__name__)


class Quota:
    """At most ``per_minute`` messages in any minute, of which a twentieth is left to critical ones."""

    def __init__(self, name: str, per_minute: int) -> None:
        self._name = name
        # A bucket of one second's worth: in any minute that and sixty refills flow out.
        self._rate = Rate(max(1, int(per_minute * (1 - _CRITICAL_SHARE) / 61)), timedelta(seconds=1))
        self._block = min(BLOCK, self._rate.burst)
        self._left = 0
        self._until: datetime | None = None
        self._refused_until: datetime | None = None
        self._asking = asyncio.Lock()

    async def take(self) -> timedelta | None:
        """Take a token; return ``None``, or how long to wait because there is none."""
        while True:
            now = clock.now()
            if self._left and self._until is not None and now < self._until:
                self._left -= 1
                return None
            if self._refused_until is not None and now < self._refused_until:
                return self._refused_until - now
            async with self._asking:
                await self._lease()

    async def pause(self, length: timedelta) -> None:
        """Give no tokens for so long, in no worker: the provider asked for it. Blocks others lease now run out soon."""
        until = clock.now() + length
        async with self._asking:  # a lease under way would forget the pause
            if self._refused_until is not None and until <= self._refused_until:
                return  # one of those in flight said so before
            self._left, self._refused_until = 0, until
            try:
                await rate_limits.empty("provider_quota", self._name, self._rate, length, amount=self._block)
            except SQLAlchemyError as error:  # the others will be told by the provider
                log.warning("quota_unknown", quota=self._name, error=failures.code_of(error))

    async def _lease(self) -> None:
        now = clock.now()
        if (self._left and self._until and now < self._until) or (self._refused_until and now < self._refused_until):
            return  # somebody else asked meanwhile
        try:
            allowance = await rate_limits.use("provider_quota", self._name, self._rate, amount=self._block)
        except SQLAlchemyError as error:  # the provider counts too: better its refusal than a message kept back
            log.warning("quota_unknown", quota=self._name, error=failures.code_of(error))
            allowance = None
        now = clock.now()
        if allowance is None or allowance.allowed:
            self._left, self._until, self._refused_until = self._block, now + LEASE, None
        else:
            self._left, self._refused_until = 0, now + timedelta(seconds=allowance.retry_after)
