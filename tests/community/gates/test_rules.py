"""Whatever is heard first, the passes of a ticket come to the same."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from app.core.wall_time import zone
from community.gates import rules
from community.gates.rules import Admission, Pass

START: Final = datetime(2026, 5, 1, 1, tzinfo=UTC)
HERE: Final = uuid.UUID(int=1)
WALL: Final = zone("Asia/Shanghai")


def _pass(number: int, minute: int, direction: str, persons: int, told: int) -> Pass:
    return Pass(
        id=uuid.UUID(int=number + 1),
        at=START + timedelta(minutes=minute),
        direction="exit" if direction == "exit" else "entry",
        persons=persons,
        fault="revoked" if told == 0 and direction == "entry" else None,
        is_waived=told == 1,
    )


_moments = st.tuples(st.integers(0, 2000), st.sampled_from(["entry", "entry", "exit"]), st.integers(1, 4))
_passes = st.lists(st.tuples(_moments, st.integers(0, 5)), max_size=8).map(
    lambda found: [_pass(number, *moment, told) for number, (moment, told) in enumerate(found)]
)
_tickets = st.builds(
    Admission, attraction_id=st.just(HERE), persons=st.integers(1, 5), reentry=st.sampled_from(["none", "same_day"])
)


def _brought(of: Admission, batches: Sequence[Sequence[Pass]]) -> tuple[int, dict[uuid.UUID, rules.Reason]]:
    """Return who is inside by the sum of all changes, and which entries are too many after all was brought."""
    before: list[Pass] = []
    inside, excess, admitted_at = 0, {}, None
    for batch in batches:
        found = rules.judge(replace(of, admitted_at=admitted_at), before, batch, WALL)
        inside += found.change
        excess = {one: why.reason for one, why in found.excess.items()}
        # The ticket says since when it is used, from the first time on.
        admitted_at = admitted_at or found.admitted_at
        before += batch
    return inside, excess


@given(_tickets, _passes, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_in_which_passes_are_heard_of_does_not_matter(
    of: Admission, passes: list[Pass], shuffle: random.Random, most: int
) -> None:
    shuffled = shuffle.sample(passes, len(passes))
    batches = [shuffled[place : place + most] for place in range(0, len(shuffled), most)]

    if passes:
        assert _brought(of, batches) == _brought(of, [passes])


@given(_tickets, _passes)
def test_no_more_are_let_in_than_was_sold_unless_it_is_said(of: Admission, passes: list[Pass]) -> None:
    found = rules.course(of, passes, WALL)
    good = [one for one in passes if one.direction == "entry" and one.id not in found.excess and not one.is_waived]
    if of.reentry == "none":
        assert sum(one.persons for one in good) <= of.persons
    else:
        assert len({one.at.astimezone(WALL).date() for one in good}) <= 1
    assert found.inside >= 0
    assert {one.id for one in passes if one.fault} <= found.excess.keys()


@given(_tickets, _passes, st.integers(0, 7))
def test_who_is_asked_lets_nobody_in_too_many(of: Admission, passes: list[Pass], asked: int) -> None:
    before = passes[:asked]
    last = Pass(uuid.UUID(int=99), START + timedelta(minutes=3000), "entry", 1, is_told=False)
    found = rules.judge(of, before, [last], WALL)
    verdict = found.verdicts[uuid.UUID(int=99)]

    assert verdict.outcome in {"admitted", "refused"}
    assert uuid.UUID(int=99) not in found.excess
    assert found.change == (1 if verdict.outcome == "admitted" else 0)


def test_an_entry_only_the_ticket_tells_of_counts() -> None:
    used = Admission(HERE, 1, "none", state="admitted", admitted_at=START)
    again = Pass(uuid.UUID(int=7), START + timedelta(minutes=1), "entry", 1)

    assert rules.judge(used, [], [again], WALL).verdicts[uuid.UUID(int=7)].reason == "already_inside"


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6))
def test_a_clock_is_taken_at_its_word_about_how_far_it_is_off(ahead: int, ago: int) -> None:
    now = START
    scanned = now - timedelta(seconds=ago) + timedelta(seconds=ahead)

    for known in (None, ahead):
        assert rules.judged(scanned, known, ahead, now) == rules.Clock(now - timedelta(seconds=ago), ahead)
    assert rules.judged(scanned, None, 0, now).at <= now
