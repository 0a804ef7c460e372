"""What holds for every plan, checked from the outside; and that none is better, by trying all there are."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise, permutations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from app.dispatch.api import Place
from community.itineraries.rules.asked import GAITS, TOLERANCE, DayOut, Entrance, Outing, Plan, Wish
from community.itineraries.rules.planning import plan
from community.itineraries.rules.steps import way
from tests.community.itineraries.outings import BESIDE, FAR, HOME, MINUTE, NEAR, at, day, outing, slot, wide, wish

PLACES = (HOME, NEAR, BESIDE, Place(31.24, 121.48), FAR)


@st.composite
def wishes(draw: st.DrawFn, days: int, most: int) -> list[Wish]:
    found = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        entrances = [
            slot(draw(st.sampled_from((8, 9, 10, 10.5, 12, 14, 15.5))), draw(st.integers(0, days - 1)))
            for _ in range(draw(st.integers(0, 3)))
        ]
        entrances = [
            replace(one, left=draw(st.sampled_from((1, 2, None))), price=draw(st.sampled_from((0, 500, 900))))
            for one in {one.slot_id: one for one in entrances}.values()
        ]
        if draw(st.booleans()):
            entrances.append(wide(draw(st.sampled_from((8, 10, 13))), number=draw(st.integers(0, days - 1))))
        quiet = draw(st.booleans())
        found.append(
            wish(
                number,
                *(replace(one, is_quiet=quiet) for one in entrances),
                place=draw(st.sampled_from(PLACES)),
                stay=draw(st.sampled_from((20, 45, 60, 110))),
                is_must=draw(st.booleans()),
                persons=draw(st.integers(1, 2)),
                is_step_free=draw(st.sampled_from((True, True, False))),
                has_seats=draw(st.sampled_from((True, True, False))),
                has_toilet=draw(st.booleans()),
            )
        )
    return found


@st.composite
def outings(draw: st.DrawFn) -> Outing:
    days = draw(st.integers(1, 2))
    medications = draw(st.lists(st.sampled_from((9, 11.5, 12, 15, 33, 36)), max_size=2, unique=True))
    return outing(
        *draw(wishes(days, 4)),
        days=days,
        budget=draw(st.sampled_from((None, 900, 1_500))),
        pace=draw(st.sampled_from(("slow", "steady", "brisk"))),
        rest_every=draw(st.sampled_from((None, 45 * MINUTE, 80 * MINUTE))),
        needs_toilet=draw(st.booleans()),
        is_step_free_only=draw(st.booleans()),
        prefers_quiet=draw(st.booleans()),
        medications=tuple(at(hour) for hour in medications),
    )


@dataclass(frozen=True)
class Sat:
    """A time in which somebody could sit down: at home, or in a pause."""

    since: datetime
    until: datetime


def sitting(asked: Outing, out: DayOut) -> list[Sat]:
    since, until = asked.days[out.number]
    pauses = [Sat(one.starts_at, one.ends_at) for stop in out.stops for one in stop.pauses]
    return [Sat(since, out.stops[0].leaves_for_at), *pauses, Sat(out.back_at, until)]


def require_kept(asked: Outing, found: Plan) -> None:
    known = {one.id: one for one in asked.wishes}
    done = [stop.wish_id for out in found.days for stop in out.stops]
    assert sorted([*done, *(one.wish_id for one in found.left_out)]) == sorted(known)
    assert found.price == sum(stop.entrance.price for out in found.days for stop in out.stops)
    assert asked.budget is None or found.price <= asked.budget
    for out in found.days:
        require_day_kept(asked, out, known)


def require_day_kept(asked: Outing, out: DayOut, known: dict[uuid.UUID, Wish]) -> None:
    since, until = asked.days[out.number]
    needs, here, free = asked.needs, asked.start, since
    assert len(out.stops) <= GAITS[needs.pace].stops
    for stop in out.stops:
        there = known[stop.wish_id]
        assert stop.leaves_for_at >= free
        assert stop.arrives_at - stop.leaves_for_at == stop.way
        assert (stop.way.total_seconds(), stop.mode) == way(here, there.place, needs)
        assert stop.entrance in there.entrances
        assert max(stop.entrance.enter_from, stop.arrives_at) == stop.enters_at <= stop.entrance.enter_until
        assert stop.leaves_at <= stop.entrance.leave_by
        assert stop.entrance.left is None or stop.entrance.left >= there.persons
        within = [one for one in stop.pauses if one.ends_at <= stop.leaves_at]
        assert stop.leaves_at - stop.enters_at == there.stay + len(within) * needs.rest
        assert there.is_step_free or not needs.is_step_free_only
        assert not stop.pauses or (there.has_seats and (there.has_toilet or not needs.needs_toilet))
        here, free = there.place, max(stop.leaves_at, *(one.ends_at for one in stop.pauses), stop.leaves_at)
    assert out.back_at >= free + out.way_back
    assert out.back_at <= until
    sat = sitting(asked, out)
    if needs.rest_every is not None:
        assert all(other.since - one.until <= needs.rest_every for one, other in pairwise(sat))
    for wanted in needs.medications:
        if since <= wanted <= until:
            assert any(one.since <= wanted + TOLERANCE and one.until >= wanted - TOLERANCE for one in sat)


@settings(max_examples=150, deadline=None)
@given(outings())
def test_every_plan_keeps_what_was_asked(asked: Outing) -> None:
    require_kept(asked, plan(asked))


@settings(max_examples=60, deadline=None)
@given(outings(), st.randoms(use_true_random=False))
def test_the_same_is_planned_whatever_comes_first(asked: Outing, chance: object) -> None:
    mixed = list(asked.wishes)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # a random.Random
    turned = [replace(one, entrances=one.entrances[::-1]) for one in mixed]
    assert plan(asked) == plan(replace(asked, wishes=tuple(turned))) == plan(asked)


def tried(asked: Outing) -> tuple[int, int, timedelta, int]:
    """Return the best there is by trying every order on every day with every entrance: no rests, no medication."""
    best = (0, 0, timedelta(), 0)
    for count in range(1, len(asked.wishes) + 1):
        for chosen in permutations(asked.wishes, count):
            for cuts in product(range(len(asked.days)), repeat=count):
                if list(cuts) != sorted(cuts):
                    continue
                for entrances in product(*(one.entrances for one in chosen)):
                    value = walked(asked, list(zip(chosen, entrances, cuts, strict=True)))
                    if value is not None:
                        musts = sum(one.is_must for one in chosen)
                        best = max(best, (musts, count, -value[0], -value[1]))
    return best


def walked(asked: Outing, steps: list[tuple[Wish, Entrance, int]]) -> tuple[timedelta, int] | None:
    total, price = timedelta(), 0
    for number, (since, until) in enumerate(asked.days):
        mine = [(there, entrance) for there, entrance, on in steps if on == number]
        if not mine:
            continue
        places = [asked.start, *(there.place for there, _ in mine), asked.start]
        ways = [timedelta(seconds=way(one, other, asked.needs)[0]) for one, other in pairwise(places)]
        enters, free = [], since
        for (there, entrance), taken in zip(mine, ways, strict=False):
            enters.append(max(free + taken, entrance.enter_from))
            free = enters[-1] + there.stay
            if enters[-1] > entrance.enter_until or free > entrance.leave_by:
                return None
        back = free + ways[-1]
        if back > until or len(mine) > GAITS[asked.needs.pace].stops:
            return None
        # As late as will do for being back then; what has a slot is at its beginning.
        latest = enters[-1]
        for (there, entrance), taken, first in zip(mine[-2::-1], ways[-2:0:-1], enters[-2::-1], strict=True):
            latest = min(latest - taken - there.stay, entrance.enter_until, entrance.leave_by - there.stay)
            latest = first if entrance.slot_id is not None else latest
        total += sum(ways, timedelta()) + back - (latest - ways[0])
        price += sum(entrance.price for _, entrance in mine)
    return (total, price) if asked.budget is None or price <= asked.budget else None


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2).flatmap(lambda days: st.tuples(st.just(days), wishes(days, 3))), st.sampled_from((None, 900)))
def test_no_plan_is_better_than_the_one_that_is_found(given_: tuple[int, list[Wish]], budget: int | None) -> None:
    days, asked_for = given_
    usable = [
        replace(one, entrances=tuple(each for each in one.entrances if each.left is None or each.left >= one.persons))
        for one in asked_for
    ]
    asked = outing(*usable, days=days, budget=budget)
    found = plan(asked)
    count = sum(len(out.stops) for out in found.days)
    done = {stop.wish_id for out in found.days for stop in out.stops}
    way_total = sum((stop.way for out in found.days for stop in out.stops), timedelta())
    outside = sum((out.back_at - out.stops[0].leaves_for_at + out.way_back for out in found.days), timedelta())
    musts = sum(one.is_must for one in usable if one.id in done)
    value, best = (musts, count, -(way_total + outside), -found.price), tried(asked)
    assert value == best or (value[:2] == best[:2] and value < best and not found.is_exact)


def test_the_largest_outing_is_planned_within_its_bounds() -> None:
    hours = [8 + half / 2 for half in range(16)]
    places = [Place(31.22 + number / 300, 121.46 + number % 3 / 200) for number in range(8)]
    many = [
        wish(number + 1, *(slot(hour, each) for each in range(2) for hour in hours), place=place, stay=45)
        for number, place in enumerate(places)
    ]
    asked = Outing(HOME, tuple(day(number) for number in range(2)), tuple(many))
    needs = replace(asked.needs, pace="brisk", rest_every=90 * MINUTE, medications=(at(12), at(36)))
    found = plan(replace(asked, needs=needs))
    require_kept(replace(asked, needs=needs), found)
    assert not found.left_out
