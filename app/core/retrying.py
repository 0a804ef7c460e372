"""Trying again what the database took back for nobody's fault: each attempt is a transaction of its own."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from app.core.database import is_retryable

ATTEMPTS: Final = 6

Result = TypeVar("Result")


async def retrying(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Return what ``attempt`` returns, trying again while it fails by a serialization failure or a deadlock.

    ``attempt`` opens its own unit of work. Raises what the last of ``ATTEMPTS`` raised, and at once what no other
    attempt would change.
    """
    for number in range(ATTEMPTS):
        try:
            return await attempt()
        except Exception as error:
            if not is_retryable(error) or number == ATTEMPTS - 1:
                raise
            # Full jitter: those who collided must not collide again.
            await asyncio.sleep(random.uniform(0, 0.01 * 2**number))  # noqa: S311 - no secret
    raise AssertionError("unreachable")
