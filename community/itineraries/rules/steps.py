"""One step of a day out: from where one is to the next stop, through the visit, with its pauses; and home again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from app.dispatch.api import Place, distance, travel_time
from community.itineraries.rules.asked import GAITS, RIDE, TOLERANCE, Entrance, Mode, Needs, Wish

NEVER: Final = 1 << 62
Sitting = tuple[int, int, Literal["rest", "medication"]]
"""A pause: from when, until when, and what for."""
QUIET_MISSED: Final = 45 * 60
"""Seconds: what a visit outside of quiet hours counts as, for who prefers those; so much more way is gone for them."""


def seconds(instant: datetime) -> int:
    """Return an instant as whole seconds."""
    return int(instant.timestamp())


def instant_of(at: int) -> datetime:
    """Return the instant (UTC)."""
    return datetime.fromtimestamp(at, UTC)


def way(one: Place, other: Place, needs: Needs) -> tuple[int, Mode]:
    """Return how many seconds it takes to get from one place to another, and how: on foot as far as one can."""
    if one == other:
        return 0, "stay"
    gait = GAITS[needs.pace]
    on_foot = distance(one, other) * gait.foot.detour <= gait.walk_most
    taken = travel_time(one, other, gait.foot if on_foot else RIDE)
    return int(taken.total_seconds()), "foot" if on_foot else "ride"


@dataclass(frozen=True, slots=True)
class Door:
    """An entrance as one day sees it, in seconds; ``extra`` is what is not as wished about it."""

    since: int
    until: int
    out_by: int
    extra: int
    entrance: Entrance


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop as it turned out, in seconds."""

    wish: int
    entrance: Entrance
    leaves_for: int
    way: int
    mode: Mode
    arrives: int
    enters: int
    leaves: int
    pauses: tuple[Sitting, ...]
    sat_before: Sitting | None

    def later(self, by: int) -> "Visit":
        """Return the visit so much later."""
        return replace(
            self,
            leaves_for=self.leaves_for + by,
            arrives=self.arrives + by,
            enters=self.enters + by,
            leaves=self.leaves + by,
            pauses=tuple((since + by, until + by, kind) for since, until, kind in self.pauses),
            sat_before=self.sat_before and (self.sat_before[0] + by, self.sat_before[1] + by, self.sat_before[2]),
        )


@dataclass(frozen=True, slots=True)
class State:
    """Where a day has got to: when one may go on from the last stop, and what it took so far.

    ``rested`` is when the last rest ended; ``taken`` how many medications of the day are; ``slack`` how much later all
    of it could as well have been: rather than wait for a slot, one sets out later.
    """

    at: int
    rested: int
    taken: int
    set_out: int
    price: int
    cost: int
    slack: int = 0
    visits: tuple[Visit, ...] = ()
    sat_last: Sitting | None = None

    def beats(self, other: "State") -> bool:
        """Say whether whatever can be made of the other can be made of this, as well or better, if all is later."""
        later = max(0, other.set_out - self.set_out, other.rested - self.rested)
        return (
            self.at + later <= other.at
            and self.slack - later >= other.slack
            and self.taken >= other.taken
            and self.price <= other.price
            and self.cost <= other.cost
        )

    def later(self, by: int) -> "State":
        """Return the same day so much later, by no more than its slack."""
        if by <= 0:
            return self
        return replace(
            self,
            at=self.at + by,
            rested=self.rested + by,
            set_out=self.set_out + by,
            slack=self.slack - by,
            visits=tuple(one.later(by) for one in self.visits),
        )


class Steps:
    """What can be done next on one day, under somebody's needs."""

    def __init__(self, day: tuple[datetime, datetime], needs: Needs) -> None:
        self.begins, self.ends = seconds(day[0]), seconds(day[1])
        self._needs = needs
        self._rest = int(needs.rest.total_seconds())
        self._every = NEVER if needs.rest_every is None else int(needs.rest_every.total_seconds())
        times = sorted(seconds(one) for one in set(needs.medications))
        spare = int(TOLERANCE / timedelta(seconds=1))
        self._wanted = [at for at in times if self.begins <= at <= self.ends]
        self._opens = [at - spare for at in self._wanted]
        self._closes = [at + spare for at in self._wanted]

    def start(self) -> State:
        """Return the day as it begins, at home."""
        return State(self.begins, self.begins, 0, self.begins, 0, 0)

    def can_rest(self, wish: Wish) -> bool:
        """Say whether one can sit down there as one needs to."""
        return wish.has_seats and (wish.has_toilet or not self._needs.needs_toilet)

    def doors(self, wish: Wish) -> list[Door]:
        """Return the entrances of a wish on this day, the first first."""
        found = []
        for one in wish.entrances:
            since, until = max(seconds(one.enter_from), self.begins), min(seconds(one.enter_until), self.ends)
            extra = QUIET_MISSED if self._needs.prefers_quiet and not one.is_quiet else 0
            if since <= until:
                found.append(Door(since, until, min(seconds(one.leave_by), self.ends), extra, one))
        return found

    @property
    def has_pauses(self) -> bool:
        """Say whether anybody has to sit down on this day."""
        return self._every < NEVER or bool(self._wanted)

    def onward(
        self, state: State, here: Wish | None, number: int, wish: Wish, door: Door, going: tuple[int, Mode]
    ) -> Iterator[State]:
        """Yield the ways of going on from ``here`` (``None``: home) to a visit: at once, or after a pause."""
        way_there, mode = going
        for left in self._departures(state, here, door.since - way_there):
            arrives = left.at + way_there
            enters = max(arrives, door.since)
            if enters > door.until or arrives - left.rested > self._every or self._missed(left.taken, arrives):
                continue
            seen = self._visit(left, enters, wish)
            if seen is None or seen[0] > door.out_by:
                continue
            leaves, rested, taken, pauses = seen
            visit = Visit(
                number, door.entrance, left.at, way_there, mode, arrives, enters, leaves, pauses, left.sat_last
            )
            yield State(
                leaves,
                rested,
                taken,
                left.set_out,
                state.price + door.entrance.price,
                state.cost + way_there + door.extra,
                self._slack(left, visit, door),
                (*left.visits, visit),
            )

    def home(self, state: State, here: Wish, way_back: int) -> Iterator[State]:
        """Yield the ways of going home, as the state at the door; ``at`` less the way is when one leaves."""
        for left in self._departures(state, here, 0):
            back = left.at + way_back
            if back <= self.ends and back - left.rested <= self._every and not self._missed(left.taken, back):
                yield replace(left, at=back, cost=left.cost + way_back)

    def _departures(self, state: State, here: Wish | None, not_before: int) -> Iterator[State]:
        """Yield when one can leave: at home as late as will do; elsewhere at once, or rested for as long as will do."""
        if here is None:
            for at in self._at_home(max(state.at, not_before)):
                taken = sum(opens <= at for opens in self._opens)
                yield State(at, at, taken, at, 0, 0)
            return
        yield state.later(min(not_before - state.at, state.slack))
        if not self.can_rest(here) or self._missed(state.taken, state.at):
            return
        state = state.later(min(not_before - self._rest - state.at, state.slack))
        ends = {max(state.at + self._rest, not_before)}
        if state.taken < len(self._opens):
            ends.add(max(state.at, self._opens[state.taken], not_before - self._rest) + self._rest)
        for at in sorted(ends):
            taken = state.taken
            while taken < len(self._opens) and self._opens[taken] + self._rest <= at:
                taken += 1
            sat: Sitting = (state.at, at, "medication" if taken > state.taken else "rest")
            yield replace(state, at=at, rested=at, taken=taken, sat_last=sat)

    def _at_home(self, at: int) -> Iterator[int]:
        """Yield when to leave home: as late as will do, or once the next medication can be taken."""
        yield at
        yield from (opens for opens in self._opens if at < opens)

    def _slack(self, left: State, visit: Visit, door: Door) -> int:
        """Return how much later all up to a visit could be: in a slot one is at its beginning, with time to spare.

        Where medication is taken, when it is time, all stays where it is.
        """
        if self._wanted or door.entrance.slot_id is not None:
            return 0
        spare = min(door.until - visit.enters, door.out_by - visit.leaves)
        return min(spare, left.slack) if left.visits else spare

    def _missed(self, taken: int, at: int) -> bool:
        return taken < len(self._closes) and self._closes[taken] < at

    def _visit(self, state: State, enters: int, wish: Wish) -> tuple[int, int, int, tuple[Sitting, ...]] | None:
        """Return when one leaves, when one rested last, how many medications are taken and the pauses, if it can be."""
        at, rested, taken, left = enters, state.rested, state.taken, int(wish.stay.total_seconds())
        if not self.can_rest(wish):
            at += left
            is_borne = at - rested <= self._every and not self._missed(taken, at)
            return (at, rested, taken, ()) if is_borne else None
        pauses: list[Sitting] = []
        while True:
            to_rest = rested + self._every - at
            to_take = max(0, self._wanted[taken] - at) if taken < len(self._wanted) else NEVER
            if to_rest < 0 or self._missed(taken, at):
                return None
            if left <= min(to_rest, to_take):
                return at + left, rested, taken, tuple(pauses)
            passed = min(to_rest, to_take)
            at, left = at + passed, left - passed
            pauses.append((at, at + self._rest, "medication" if to_take <= to_rest else "rest"))
            while taken < len(self._wanted) and self._opens[taken] <= at:
                taken += 1
            at = rested = at + self._rest
