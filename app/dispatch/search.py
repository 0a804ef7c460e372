"""The search for a plan: each job where it costs least, then again and again some are taken out and placed anew.

What is taken out is near each other, from days that pass close by, and what costs less afterwards stays; at first what
costs a little more stays, too (Christiaens and Vanden Berghe, Slack Induction by String Removals, 2020). Chance comes
from a generator with a fixed seed, so the same input has the same plan on every machine.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import combinations
from math import inf, log
from random import Random
from typing import Final

from app.dispatch.day import Day, Opening
from app.dispatch.persons import Person, Task
from app.dispatch.travel import MICROSECOND, Matrix

_MINUTE: Final = timedelta(minutes=1) // MICROSECOND
_NOBODY: Final = 10**4 * _MINUTE
"""What it costs that nobody goes: more than any detour."""
_CRITICAL: Final = 10**4
"""So many others stay undone before something critical does."""
_HOT: Final = 10.0 * _MINUTE
_COLD: Final = 0.1 * _MINUTE
_TAKEN_OUT: Final = 10
"""How many jobs are taken out at once, in the middle."""
_STRING: Final = 10
_OVERLOOKED: Final = 0.01
"""How often a day is overlooked, so that not always the same is found."""
_WAITING: Final = 8
"""How many of those nobody was found for are tried again each time."""

Order = Callable[[Task], tuple[float, ...]]


class Search:
    """The days of all workers, who does what, and what is left, while it is planned."""

    def __init__(self, tasks: Sequence[Task], people: Sequence[Person], ways: Matrix) -> None:
        self.days = [Day(person, person.stops) for person in people]
        self.who: dict[int, tuple[int, ...]] = {}
        self._tasks, self._ways = tasks, ways
        self._able = [[person.number for person in people if person.gaps(task)] for task in tasks]
        self._near: dict[int, list[Task]] = {}
        self._chance = Random(20)  # noqa: S311 - nothing is secret: the same input shall have the same plan
        able = {task.number for task in tasks if len(self._able[task.number]) >= task.job.workers}
        self.left = [task for task in tasks if task.number in able]
        """What nobody was found for so far, though there are people who could."""

    def begin(self) -> None:
        """Place each job where it costs least, the most constrained first."""
        self.left = [task for task in sorted(self.left, key=_urgency) if not self._place(task, overlook=False)]

    def improve(self, rounds: int, late: Callable[[], bool]) -> None:
        """Take jobs out and place them anew so many times, or until it is late; the best that was found stays."""
        if len(self.who) + len(self.left) < 2:
            return
        cost = lowest = self._cost()
        best = (self.days[:], dict(self.who), self.left[:])
        for number in range(rounds):
            if late():
                break
            before = (self.days[:], dict(self.who), self.left[:])
            self._again()
            new = self._cost()
            heat = _HOT * (_COLD / _HOT) ** (number / rounds)
            if new >= cost - heat * log(self._chance.random() or 1e-9):
                self.days, self.who, self.left = before
                continue
            cost = new
            if cost < lowest - 1:
                lowest, best = cost, (self.days[:], dict(self.who), self.left[:])
        self.days, self.who, self.left = best

    def _cost(self) -> float:
        return sum(day.cost for day in self.days) + sum(
            _NOBODY * (_CRITICAL if task.job.is_critical else 1) for task in self.left
        )

    def _below(self, number: int) -> int:
        """Return a number below another one, by chance."""
        return int(self._chance.random() * number)

    def _again(self) -> None:
        """Take some jobs out and place them anew."""
        out = self._taken_out()
        waiting = self.left
        if len(waiting) > _WAITING:
            first = self._below(len(waiting))
            waiting = (waiting[first:] + waiting[:first])[:_WAITING]
        tried = {task.number for task in waiting}
        rest = [task for task in self.left if task.number not in tried]
        order = _ORDERS[self._below(len(_ORDERS))]
        chances = {task.number: self._chance.random() for task in [*out, *waiting]}
        again = sorted(
            [*out, *waiting],
            key=lambda task: (not task.job.is_critical, -task.job.workers, *order(task), chances[task.number]),
        )
        self.left = rest + [task for task in again if not self._place(task, overlook=True)]

    def _taken_out(self) -> list[Task]:
        """Take strings of neighbouring jobs out of days that pass near one place."""
        longest = min(
            _STRING, max(1, len(self.who) // max(1, sum(day.work > day.person.standing for day in self.days)))
        )
        most = 4 * _TAKEN_OUT / (1 + longest) - 1
        strings = int(self._chance.random() * most) + 1
        seed = self._tasks[self._below(len(self._tasks))]
        touched: set[int] = set()
        out: dict[int, Task] = {}
        for task in self._neighbours(seed):
            for number in self.who.get(task.number, ()):
                if number not in touched and len(touched) < strings:
                    touched.add(number)
                    out |= {one.number: one for one in self._string(self.days[number], task, longest)}
            if len(touched) >= strings:
                break
        self._take(out)
        return list(out.values())

    def _string(self, day: Day, task: Task, longest: int) -> list[Task]:
        """Return jobs in a row of a day, of which one is ``task``."""
        row = [stop.task for stop in day.stops if stop.task is not None]
        length = self._below(min(longest, len(row))) + 1
        at = row.index(task)
        first = max(0, at - length + 1)
        last = min(at, len(row) - length)
        begins = first + self._below(last - first + 1)
        return row[begins : begins + length]

    def _take(self, out: dict[int, Task]) -> None:
        """Take jobs out; where a day does not work without one of them, all of its others, too."""
        waiting = set(out)
        while waiting:
            days = {number for task in waiting for number in self.who.pop(task, ())}
            numbers, waiting = set(out), set()
            for number in sorted(days):
                day = self.days[number].lacking(numbers)
                if day.cost == inf:
                    more = {stop.task.number: stop.task for stop in day.stops if stop.task is not None}
                    out |= more
                    waiting |= set(more)
                    day = day.lacking(set(more))
                self.days[number] = day

    def _neighbours(self, seed: Task) -> list[Task]:
        found = self._near.get(seed.number)
        if found is None:
            ways = self._ways[seed.at]
            found = self._near[seed.number] = sorted(
                self._tasks, key=lambda task: (ways[task.at] + abs(task.wanted - seed.wanted) / 20, task.number)
            )
            found.remove(seed)
            found.insert(0, seed)
        return found

    def _place(self, task: Task, *, overlook: bool) -> bool:
        """Do a job where it costs least; say whether that is anywhere."""
        if task.job.workers > 1:
            return self._place_pair(task)
        chance, best, where = self._chance.random, None, -1
        for number in self._able[task.number]:
            if overlook and chance() < _OVERLOOKED:
                continue
            offer = self.days[number].offer(task)
            if offer is not None and (best is None or offer.cost < best.cost):
                best, where = offer, number
        if best is None:
            return False
        self.days[where] = self.days[where].having(task, best.opening)
        self.who[task.number] = (where,)
        return True

    def _place_pair(self, task: Task) -> bool:
        """Send two at one moment, the two for whom that costs least; say whether there are two."""
        offers = sorted(
            (self.days[number].charge(task, opening), number, opening)
            for number in self._able[task.number]
            for opening in self.days[number].openings(task)
        )
        found = _cheapest_two(task, offers)
        if found is None:
            return False
        moment, pair = found
        for number, opening in pair:
            self.days[number] = self.days[number].having(task, opening, moment)
        self.who[task.number] = tuple(number for number, _ in pair)
        return True


def _cheapest_two(
    task: Task, offers: Sequence[tuple[float, int, Opening]]
) -> tuple[int, list[tuple[int, Opening]]] | None:
    """Return the moment, and which two of the offers; they are sorted by what they cost."""
    best, lowest = None, inf
    for (cost, one, opening), (more, other, second) in combinations(offers, 2):
        earliest, latest = max(opening.earliest, second.earliest), min(opening.latest, second.latest)
        if one == other or earliest > latest:
            continue
        moment = max(earliest, min(latest, task.wanted))
        total = cost + more + 2 * task.pull * abs(moment - task.wanted)
        if total < lowest:
            best, lowest = (moment, [(one, opening), (other, second)]), total
    return best


def _urgency(task: Task) -> tuple[bool, int, int, int, int]:
    job = task.job
    return (not job.is_critical, -job.workers, task.until - task.since, task.since, task.number)


_ORDERS: Final[tuple[Order, ...]] = (
    lambda _: (),
    lambda task: (task.until - task.since - task.duration,),
    lambda task: (-task.duration,),
)
