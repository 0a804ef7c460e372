"""One worker's day: what stands in it in which order, and where something more fits.

A day never changes: another order is another day. So it can keep what was asked of it, and the search goes back to how
things were by keeping the old one. Jobs have no fixed times in it: for each stop it is known from when on one could
leave it at the earliest, and when it must begin at the latest so that all that follows is in time. Whether something
fits in between is then seen without looking at the rest of the day. Both are lists, by how many of the shift's breaks
are over: so no break has a place in the order either, it is enough that there is one for it.
"""

from math import inf
from typing import NamedTuple

from app.dispatch.persons import NEVER, Gap, Person, Stop, Task, take_breaks


class Opening(NamedTuple):
    """Where a job fits: how much longer the way is, between when it may begin, and at which place in the order."""

    way: int
    earliest: int
    latest: int
    position: int
    gap: Gap


class Offer(NamedTuple):
    """What it costs to do a job in this day, and where it goes."""

    cost: float
    opening: Opening


class Day:
    """What somebody does in which order, and what that costs."""

    __slots__ = ("_done", "_doors", "_free", "_offers", "_until", "cost", "person", "starts", "stops", "travel", "work")

    def __init__(self, person: Person, stops: tuple[Stop, ...]) -> None:
        self.person, self.stops = person, stops
        self.work = person.standing + sum(stop.work for stop in stops)
        self._free: list[list[int]] = []
        self._done: list[int] = []
        self._offers: dict[int, Offer | None] = {}
        self._forward()
        self._until: list[list[int]] = [[]] * len(stops)
        self._doors: list[int] = [0] * len(stops)
        self._backward()
        self.travel = sum(self._way_to(index) for index in range(len(stops))) + self._ways_home()
        self.starts, strain = self._timed()
        self.cost = self.travel + strain + self.work * self.work / person.fair

    def _forward(self) -> None:
        """Work out from when on each stop could be left."""
        before: list[int] | None = None
        for index, stop in enumerate(self.stops):
            if stop.shift < 0:
                self._free.append([])
                self._done.append(stop.since + stop.duration)
                before = None
                continue
            arrivals = self._arrivals(index - 1, stop.shift, stop.came)
            if stop.task is not None:
                begins = (max(arrival, stop.since) for arrival in arrivals)
                ended = [begin + stop.duration if begin <= stop.until else NEVER for begin in begins]
            else:
                if index == 0 or self.stops[index - 1].shift != stop.shift:
                    before = [0] + [NEVER] * (len(arrivals) - 1)
                ended = _after(stop, arrivals, before)
            before = ended if stop.task is None else None
            free = take_breaks(ended[:], self.person.hours[stop.shift].breaks)
            self._free.append(free)
            self._done.append(free[-1] if free[-1] < NEVER else min(stop.until + stop.duration, NEVER))

    def _backward(self) -> None:
        """Work out when each stop must begin at the latest."""
        after: list[int] | None = None
        for index in range(len(self.stops) - 1, -1, -1):
            stop = self.stops[index]
            if stop.shift < 0:
                self._doors[index], after = stop.since, None
                continue
            limits = self._limits(index + 1, stop.shift, stop.left)
            if stop.task is not None:
                latest = (min(stop.until, limit - stop.duration) for limit in limits)
                until = [late if late >= stop.since else -NEVER for late in latest]
                after = None
            else:
                if index + 1 == len(self.stops) or self.stops[index + 1].shift != stop.shift:
                    after = [-NEVER] * (len(limits) - 1) + [0]
                ends = stop.since + stop.duration
                until = [
                    stop.since if limit >= ends or (after is not None and after[taken] > -NEVER) else -NEVER
                    for taken, limit in enumerate(limits)
                ]
                after = until
            self._until[index] = until
            self._doors[index] = self._door(stop, until)

    def _door(self, stop: Stop, until: list[int]) -> int:
        """Return the latest moment for a stop to begin if it is the first of its shift."""
        if stop.task is None:
            return stop.since
        way = self.person.ways[self.person.start][stop.came]
        rested = self.person.hours[stop.shift].rested
        return max(late if ready + way <= late else -NEVER for ready, late in zip(rested, until, strict=True))

    def _arrivals(self, index: int, shift: int, place: int) -> list[int]:
        """Return from when on one could be at a place, coming from a stop (before the first: from where one starts)."""
        ways = self.person.ways
        if index >= 0 and self.stops[index].shift == shift:
            way = ways[self.stops[index].left][place]
            return [free + way for free in self._free[index]]
        way = ways[self.person.start][place]
        arrivals = [ready + way for ready in self.person.hours[shift].rested]
        if index >= 0:  # What is done before the shift is somewhere, too.
            done = self._done[index] + ways[self.stops[index].left][place]
            arrivals = [max(arrival, done) for arrival in arrivals]
        return arrivals

    def _limits(self, index: int, shift: int, place: int) -> list[int]:
        """Return until when one must have ended at a place to be in time for a stop and for the breaks before it."""
        person, hours = self.person, self.person.hours[shift]
        if index < len(self.stops) and self.stops[index].shift == shift:
            way = person.ways[place][self.stops[index].came]
            limits = [until - way for until in self._until[index]]
        else:
            last = hours.ends if person.end is None else hours.ends - person.ways[place][person.end]
            if index < len(self.stops):
                last = min(last, self._doors[index] - person.ways[place][self.stops[index].came])
            limits = [-NEVER] * len(hours.breaks) + [last]
        for taken in range(len(hours.breaks) - 1, -1, -1):
            earliest, latest, length = hours.breaks[taken]
            begins = min(latest, limits[taken + 1] - length)
            if begins >= earliest:
                limits[taken] = max(limits[taken], begins)
        return limits

    def _way_to(self, index: int) -> int:
        """Return the way to a stop, from where one is before it."""
        stop, ways = self.stops[index], self.person.ways
        if index == 0 or (stop.shift >= 0 and self.stops[index - 1].shift != stop.shift):
            return ways[self.person.start][stop.came]
        return ways[self.stops[index - 1].left][stop.came]

    def _ways_home(self) -> int:
        if self.person.end is None:
            return 0
        last = {stop.shift: stop for stop in self.stops if stop.shift >= 0}
        return sum(self.person.ways[stop.left][self.person.end] for stop in last.values())

    def _detour(self, position: int, shift: int, place: int) -> int:
        """Return how much longer the way is with a place between two stops."""
        person, stops = self.person, self.stops
        ways = person.ways
        comes = position > 0 and stops[position - 1].shift == shift
        goes = position < len(stops) and stops[position].shift == shift
        origin = stops[position - 1].left if comes else person.start
        target = stops[position].came if goes else person.end
        if target is None:
            return ways[origin][place]
        longer = ways[origin][place] + ways[place][target]
        return longer - ways[origin][target] if comes or goes else longer

    def openings(self, task: Task) -> list[Opening]:
        """Return wherever a job fits: within the hours, after the way, beside what stands there and the breaks."""
        found: list[Opening] = []
        stops, place, duration = self.stops, task.at, task.duration
        for gap in self.person.gaps(task):
            shift, since, until, work = gap
            if work and self.work + work > self.person.most:
                continue
            for position in range(len(stops) + 1):
                if position and stops[position - 1].rank > 2 * shift:
                    break
                if position < len(stops) and stops[position].rank < 2 * shift:
                    continue
                arrivals = self._arrivals(position - 1, shift, place)
                if min(arrivals) > until:
                    break  # and later ones are later still
                limits = self._limits(position, shift, place)
                for arrival, limit in zip(arrivals, limits, strict=True):
                    earliest, latest = max(arrival, since), min(until, limit - duration)
                    if earliest <= latest:
                        way = self._detour(position, shift, place)
                        found.append(Opening(way, earliest, latest, position, gap))
        return found

    def charge(self, task: Task, opening: Opening) -> float:
        """Return what a job costs here, but for its distance from the wanted time."""
        work = opening.gap.work
        return opening.way + self.person.cost(task) + work * (2 * self.work + work) / self.person.fair

    def offer(self, task: Task) -> Offer | None:
        """Return where a job costs least, ``None`` if it fits nowhere."""
        found = self._offers.get(task.number, 0)
        if not isinstance(found, int):
            return found
        best: Offer | None = None
        wanted, pull = task.wanted, task.pull
        for opening in self.openings(task):
            away = opening.earliest - wanted if wanted < opening.earliest else max(0, wanted - opening.latest)
            cost = self.charge(task, opening) + away * pull
            if best is None or cost < best.cost:
                best = Offer(cost, opening)
        self._offers[task.number] = best
        return best

    def having(self, task: Task, opening: Opening, moment: int | None = None) -> "Day":
        """Return the day with a job in it, at one ``moment`` if it is not alone that decides."""
        gap = opening.gap
        bounds = (gap.since, gap.until) if moment is None else (moment, moment)
        stop = Stop(task, gap.shift, bounds, task.duration, (task.at, task.at))
        stop.work = gap.work
        return Day(self.person, (*self.stops[: opening.position], stop, *self.stops[opening.position :]))

    def lacking(self, numbers: set[int]) -> "Day":
        """Return the day without some jobs."""
        return Day(
            self.person, tuple(stop for stop in self.stops if stop.task is None or stop.task.number not in numbers)
        )

    def _timed(self) -> tuple[list[int], float]:
        """Return when each stop begins, as near to its wanted time as the others let it, and what is not as wished.

        Where the way past an unknown place was shorter than the one that is known, a day may not work without it: that
        costs more than there is.
        """
        starts: list[int] = []
        strain, leaves, over = 0.0, 0, 0
        for index, stop in enumerate(self.stops):
            arrivals = self._next(index, leaves, over) if stop.shift >= 0 else []  # outside of the hours: no breaks
            choices = [
                (max(arrival, stop.since), min(until, stop.until), taken)
                for taken, (arrival, until) in enumerate(zip(arrivals, self._until[index], strict=True))
                if max(arrival, stop.since) <= min(until, stop.until)
            ]
            if stop.task is None:
                begins, over = stop.since, self._breaks_over(index, choices, over)
            elif not choices:
                return starts, inf
            else:
                wanted = stop.task.wanted
                timed = [(max(earliest, min(latest, wanted)), taken) for earliest, latest, taken in choices]
                begins, over = min(timed, key=lambda one: (abs(one[0] - wanted), -one[1]))
                strain += abs(begins - wanted) * stop.task.pull + self.person.cost(stop.task)
            starts.append(begins)
            leaves = begins + stop.duration
        return starts, strain

    @property
    def rests(self) -> bool:
        """Whether each shift in which something stands leaves time for its breaks."""
        firsts = [
            index
            for index, stop in enumerate(self.stops)
            if stop.shift >= 0 and (index == 0 or self.stops[index - 1].shift != stop.shift)
        ]
        return all(
            any(
                until > -NEVER and (taken == 0 or arrival <= self.stops[first].until)
                for taken, (arrival, until) in enumerate(
                    zip(
                        self._arrivals(-1, self.stops[first].shift, self.stops[first].came),
                        self._until[first],
                        strict=True,
                    )
                )
            )
            for first in firsts
        )

    def _next(self, index: int, leaves: int, over: int) -> list[int]:
        """Return from when on a stop could begin if the one before it ends then, and so many breaks are over."""
        stop, ways, hours = self.stops[index], self.person.ways, self.person.hours
        free: list[int] = []
        before = self.stops[index - 1] if index else None
        if before is not None and before.shift >= 0:
            breaks = hours[before.shift].breaks
            free = take_breaks([NEVER] * over + [leaves] + [NEVER] * (len(breaks) - over), breaks)
        if before is not None and before.shift == stop.shift:
            way = ways[before.left][stop.came]
            return [moment + way for moment in free]
        way = ways[self.person.start][stop.came]
        arrivals = [ready + way for ready in hours[stop.shift].rested]
        if before is None:
            return arrivals
        done = (free[-1] if free and free[-1] < NEVER else leaves) + ways[before.left][stop.came]
        return [max(arrival, done) for arrival in arrivals]

    def _breaks_over(self, index: int, choices: list[tuple[int, int, int]], over: int) -> int:
        """Return how many breaks are over when something begins that stands there already, whatever the way to it."""
        if choices:
            return choices[-1][2]
        same = index > 0 and self.stops[index - 1].shift == self.stops[index].shift
        return over if same else 0


def _after(stop: Stop, arrivals: list[int], before: list[int] | None) -> list[int]:
    """Return when something ends that stands there already; how one comes to it from another such is not our affair."""
    ends = stop.since + stop.duration
    return [
        ends if arrival <= stop.since or (before is not None and before[taken] < NEVER) else NEVER
        for taken, arrival in enumerate(arrivals)
    ]
