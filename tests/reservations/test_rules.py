"""When somebody is free: found by looking at every minute, and by the rules, which must agree."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.reservations.rules import NEARBY, Blocked, Calendar, covered, merged, nearest_free

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
MINUTE = timedelta(minutes=1)


def at(minutes: int) -> datetime:
    return START + minutes * MINUTE


def blocked(since: int, until: int, *, resource: uuid.UUID = ONE, lane: int = 1) -> Blocked:
    return Blocked(resource, lane, at(since), at(until))


def free(calendars: list[Calendar], blocks: list[Blocked], start: int, length: int, *, count: int = 3) -> list[int]:
    spans = nearest_free(calendars, blocks, (at(start), at(start + length)), earliest=at(-1000), count=count)
    return [int((since - START) / MINUTE) for since, _ in spans]


def test_what_touches_leaves_the_edge_free() -> None:
    calendar = Calendar(ONE, 1, timedelta(), timedelta())
    assert free([calendar], [blocked(0, 30), blocked(60, 90)], 10, 30, count=2) == [30, -30]


def test_buffers_keep_their_distance() -> None:
    calendar = Calendar(ONE, 1, timedelta(minutes=5), timedelta(minutes=10))
    assert free([calendar], [blocked(0, 30)], 10, 30, count=2) == [35, -40]


def test_two_are_only_free_when_both_are() -> None:
    calendars = [Calendar(ONE, 1, timedelta(), timedelta()), Calendar(OTHER, 1, timedelta(), timedelta())]
    assert free(calendars, [blocked(0, 30), blocked(30, 60, resource=OTHER)], 10, 30, count=1) == [-30]


def test_a_second_lane_is_free_while_the_first_is_not() -> None:
    calendar = Calendar(ONE, 2, timedelta(), timedelta())
    assert free([calendar], [blocked(0, 30), blocked(30, 60)], 10, 30, count=1) == [10]
    assert free([calendar], [blocked(0, 60), blocked(30, 60, lane=2)], 10, 30, count=1) == [0]


spans = st.tuples(st.integers(-60, 120), st.integers(1, 40)).map(lambda span: (span[0], span[0] + span[1]))


@given(st.lists(st.tuples(spans, st.integers(1, 2)), max_size=6), st.integers(0, 60), st.integers(5, 30))
def test_the_nearest_free_time_is_the_one_a_search_by_minutes_finds(
    taken: list[tuple[tuple[int, int], int]], start: int, length: int
) -> None:
    lanes = 2
    blocks = [blocked(since, until, lane=lane) for (since, until), lane in taken]
    found = free([Calendar(ONE, lanes, timedelta(), timedelta())], blocks, start, length, count=1)

    def is_free(candidate: int) -> bool:
        return any(
            all(
                block.lane != lane or at(candidate + length) <= block.blocks_from or at(candidate) >= block.blocks_until
                for block in blocks
            )
            for lane in range(1, lanes + 1)
        )

    reach = int(NEARBY / MINUTE)
    candidates = [minute for minute in range(start - reach, start + reach + 1) if is_free(minute)]
    best = min(abs(candidate - start) for candidate in candidates)
    assert [abs(candidate - start) for candidate in found] == [best]
    assert is_free(found[0])


@given(st.lists(spans, max_size=8))
def test_merged_spans_cover_the_same_and_do_not_overlap(given_spans: list[tuple[int, int]]) -> None:
    result = merged((at(since), at(until)) for since, until in given_spans)
    assert all(one[1] <= other[0] for one, other in pairwise(result))
    for minute in range(-60, 160):
        middle = at(minute) + MINUTE / 2
        assert any(since < middle < until for since, until in result) == any(
            at(since) < middle < at(until) for since, until in given_spans
        )


@given(st.lists(spans, max_size=8), st.integers(1, 3))
def test_what_is_covered_is_counted(given_spans: list[tuple[int, int]], depth: int) -> None:
    result = covered([(at(since), at(until)) for since, until in given_spans], depth)
    for minute in range(-60, 160):
        middle = at(minute) + MINUTE / 2
        height = sum(at(since) < middle < at(until) for since, until in given_spans)
        assert any(since < middle < until for since, until in result) == (height >= depth)
