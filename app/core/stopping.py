"""The wish to stop, carried to loops that work in batches: they end between two batches, never inside one."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PARENT_CHECK_SECONDS = 1.0
_stop: ContextVar[asyncio.Event | None] = ContextVar("stop", default=None)


@contextmanager
def heeding(stop: asyncio.Event) -> Iterator[None]:
    """Make ``stop`` what ``requested()`` looks at, within the block and in the tasks started there."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def requested() -> bool:
    """Say whether the worker was asked to stop; always false outside a worker."""
    stop = _stop.get()
    return stop is not None and stop.is_set()


def in_worker() -> bool:
    """Say whether this runs inside a worker, whose time is the world's, not in a test or a replayed history."""
    return _stop.get() is not None


async def stop_with_parent(parent: int, stop: asyncio.Event) -> None:
    """Set ``stop`` once the process with the id ``parent``, ours, is gone."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing wakes us when it ends
        await asyncio.sleep(_PARENT_CHECK_SECONDS)
    stop.set()
