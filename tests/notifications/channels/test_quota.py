"""A provider's quota: one for all workers, taken in blocks, never more in a minute than was agreed."""

from datetime import timedelta

import pytest

from app.core import clock as clocks
from app.core import rate_limits
from app.core.database import Database
from notifications.channels.quota import BLOCK, LEASE, Quota

MINUTE = timedelta(minutes=1)


async def taken(*workers: Quota) -> int:
    """Take what there is, the workers in turn; return how much that was."""
    count = 0
    empty: set[Quota] = set()
    while len(empty) < len(workers):
        for worker in workers:
            if await worker.take() is None:
                count += 1
            else:
                empty.add(worker)
    return count


async def test_any_minute_stays_below_the_quota(database: Database, clock: clocks.ManualClock) -> None:
    workers = Quota("any", 6_000), Quota("any", 6_000)
    since, total = clock.now(), 0
    while clock.now() < since + MINUTE:
        total += await taken(*workers)
        clock.advance(timedelta(seconds=1))
    assert 5_500 < total <= 5_700  # nineteen twentieths: the rest is for critical messages


async def test_tokens_are_leased_in_blocks(
    database: Database, clock: clocks.ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    use = rate_limits.use

    async def counted(name: str, key: str, rate: rate_limits.Rate, *, amount: int) -> rate_limits.Allowance:
        asked.append(amount)
        return await use(name, key, rate, amount=amount)

    monkeypatch.setattr(rate_limits, "use", counted)
    quota = Quota("blocks", 600_000)
    assert {await quota.take() for _ in range(BLOCK)} == {None}
    assert asked == [BLOCK]
    assert await quota.take() is None
    assert asked == [BLOCK, BLOCK]


async def test_what_was_leased_and_not_used_is_given_up(database: Database, clock: clocks.ManualClock) -> None:
    hoarder, worker = Quota("shared", 600), Quota("shared", 600)
    assert await hoarder.take() is None  # and holds the other eight of the second
    assert await worker.take() == timedelta(seconds=1)
    clock.advance(LEASE)
    assert await taken(worker) == 9
    assert await hoarder.take() is not None


async def test_a_pause_the_provider_asks_for_is_every_workers(database: Database, clock: clocks.ManualClock) -> None:
    told, other, new = Quota("paused", 6_000), Quota("paused", 6_000), Quota("paused", 6_000)
    assert await other.take() is None
    await told.pause(timedelta(minutes=2))
    assert await told.take() == await new.take() == timedelta(minutes=2)
    clock.advance(LEASE)  # what was leased before is used up or given up
    assert await other.take() == timedelta(minutes=2) - LEASE
    clock.advance(timedelta(minutes=2) - LEASE)
    assert {await worker.take() for worker in (told, other, new)} == {None, timedelta(seconds=1)}
