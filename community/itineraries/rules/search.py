"""Every way of spending the days, without those another one beats: exact up to a bound on how many are kept.

A day is searched by dynamic programming over which wishes were visited and where one is: of two ways of having got
there that which is earlier, better rested, cheaper and so on is kept. The days are then put together by which wishes
each of them takes. ``KEPT`` bounds how many ways are kept where none beats another. From a stop to the next the first
slot one can be in time for is tried, ``TRIED`` of them where somebody has to sit down in between (a later one may save
a rest), and every cheaper or quieter one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeVar

from community.itineraries.rules.asked import GAITS, Outing
from community.itineraries.rules.steps import NEVER, Door, State, Steps, way

KEPT: Final = 8
"""How many ways of having visited the same places are kept."""
TRIED: Final = 2
"""How many slots that are neither cheaper nor quieter are tried."""

Front = dict[tuple[int, int], list[State]]
"""By which wishes were visited (a bit each) and where one is: the ways of having got there."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days that take some of the wishes: what they count as, what they cost, and how each is spent."""

    score: int
    price: int
    spent: tuple[State | None, ...]

    def beats(self, other: "Days") -> bool:
        """Say whether these are as good and as cheap."""
        return self.score <= other.score and self.price <= other.price


Way = TypeVar("Way", State, Days)


class Search:
    """All that can be done of an outing, by which wishes it does."""

    def __init__(self, outing: Outing) -> None:
        self._outing = outing
        self._needs = outing.needs
        self._budget = outing.budget
        self.is_exact = True
        places = [outing.start, *(wish.place for wish in outing.wishes)]
        self._ways = [[way(one, other, outing.needs) for other in places] for one in places]
        found: dict[int, list[Days]] = {0: [Days(0, 0, ())]}
        for number in range(len(outing.days)):
            found = self._joined(found, self._day(number))
        self.found = found
        """The best ways for each set of wishes (a bit each) that fits into the days and the budget."""

    def _day(self, number: int) -> dict[int, list[Days]]:
        """Return the best ways of spending a day, at home again, for each set of wishes that fits into it."""
        outing, steps = self._outing, Steps(self._outing.days[number], self._needs)
        open_then = [steps.doors(wish) for wish in outing.wishes]
        ends: dict[int, list[Days]] = {}
        front: Front = {(0, -1): [steps.start()]}
        for _ in range(GAITS[self._needs.pace].stops):
            front = self._one_more(steps, front, open_then)
            for (visited, last), states in sorted(front.items()):
                kept = ends.setdefault(visited, [])
                for state in states:
                    for ended in steps.home(state, outing.wishes[last], self._ways[last + 1][0][0]):
                        _keep(kept, Days(_score(ended), ended.price, (ended,)))
        return ends

    def _one_more(self, steps: Steps, front: Front, open_then: Sequence[Sequence[Door]]) -> Front:
        """Return what can be reached with one stop more."""
        reached: Front = {}
        for (visited, last), states in sorted(front.items()):
            for following, doors in enumerate(open_then):
                if visited >> following & 1 or not doors:
                    continue
                kept = reached.setdefault((visited | 1 << following, following), [])
                for state in states:
                    for onward in self._onward(steps, state, last, following, doors):
                        _keep(kept, onward)
                self._bound(kept)
        return {key: states for key, states in reached.items() if states}

    def _onward(self, steps: Steps, state: State, last: int, following: int, doors: Sequence[Door]) -> Iterator[State]:
        """Yield the ways of going on to a wish, through the doors that could be the best."""
        here, there = None if last < 0 else self._outing.wishes[last], self._outing.wishes[following]
        going = self._ways[last + 1][following + 1]
        tries = NEVER if here is None or state.slack else TRIED if steps.has_pauses else 1
        tried: list[tuple[int, int]] = []
        for door in doors:
            counts = (door.entrance.price, door.extra)
            if door.until < state.at + going[0] or not self._affords(state.price + counts[0]):
                continue
            if sum(price <= counts[0] and extra <= counts[1] for price, extra in tried) >= tries:
                self.is_exact = self.is_exact and not steps.has_pauses
                continue
            ways = list(steps.onward(state, here, following, there, door, going))
            if ways:
                tried.append(counts)
                yield from ways

    def _joined(self, before: dict[int, list[Days]], day: dict[int, list[Days]]) -> dict[int, list[Days]]:
        """Return what can be done with one day more."""
        found: dict[int, list[Days]] = {}
        for done, ways in sorted(before.items()):
            for more, days in ((0, [Days(0, 0, (None,))]), *sorted(day.items())):
                if done & more:
                    continue
                kept = found.setdefault(done | more, [])
                for one, other in product(ways, days):
                    if self._affords(one.price + other.price):
                        joined = (*one.spent, *other.spent)
                        _keep(kept, Days(one.score + other.score, one.price + other.price, joined))
        return {done: ways for done, ways in found.items() if ways}

    def _affords(self, price: int) -> bool:
        return self._budget is None or price <= self._budget

    def _bound(self, states: list[State]) -> None:
        if len(states) > KEPT:
            self.is_exact = False
            states.sort(key=lambda state: (_score(state), state.price))
            del states[KEPT:]


def best(found: dict[int, list[Days]], musts: int) -> tuple[int, Days]:
    """Return the wishes that are done, and how: as many of the ``musts`` as can be, then of all, then the best."""
    done = max(found, key=lambda each: ((each & musts).bit_count(), each.bit_count(), _rank(found[each]), -each))
    return done, min(found[done], key=lambda days: (days.score, days.price))


def _rank(ways: Sequence[Days]) -> tuple[int, int]:
    return max((-days.score, -days.price) for days in ways)


def _score(state: State) -> int:
    """Return what a day counts as, in seconds: how long one is out, how long on the way, and what was not as wished."""
    return state.at - state.set_out + state.cost


def _keep(kept: list[Way], new: Way) -> None:
    if not any(one.beats(new) for one in kept):
        kept[:] = [one for one in kept if not new.beats(one)]
        kept.append(new)
