"""The plan of days out: what the search found best, said as stops with the reasons, and why the rest is left out."""

from dataclasses import replace
from datetime import timedelta

from community.itineraries.rules.asked import (
    Code,
    DayOut,
    Entrance,
    LeftOut,
    Needs,
    Outing,
    Pause,
    Plan,
    Stop,
    Why,
    Wish,
)
from community.itineraries.rules.search import Search, best
from community.itineraries.rules.steps import Sitting, State, Visit, instant_of, seconds, way


def plan(outing: Outing) -> Plan:
    """Return the best plan of an outing; whatever the order in which its wishes are named, the same.

    As many as can be of what somebody must see, then as many as can be of what they would like to; of those the one
    with the least time out and on the way, then the cheapest. What somebody needs is kept in each.
    """
    ordered = replace(outing, wishes=tuple(sorted(outing.wishes, key=lambda wish: wish.id.bytes)))
    possible = [_usable(wish, ordered.needs) for wish in ordered.wishes]
    asked = replace(ordered, wishes=tuple(possible))
    search = Search(asked)
    musts = sum(1 << number for number, wish in enumerate(possible) if wish.is_must)
    done, days = best(search.found, musts)
    left = [number for number in range(len(possible)) if not done >> number & 1]
    return Plan(
        days=tuple(_day_out(asked, number, spent) for number, spent in enumerate(days.spent) if spent is not None),
        left_out=tuple(LeftOut(possible[number].id, _why_not(ordered, asked, days.price, number)) for number in left),
        price=days.price,
        is_exact=search.is_exact,
    )


def _usable(wish: Wish, needs: Needs) -> Wish:
    """Return a wish with the entrances all who come can use."""
    if needs.is_step_free_only and not wish.is_step_free:
        return replace(wish, entrances=())
    ways = (one for one in wish.entrances if one.left is None or one.left >= wish.persons)
    return replace(wish, entrances=tuple(sorted(set(ways), key=_in_order)))


def _in_order(one: Entrance) -> tuple[object, ...]:
    return one.enter_from, one.enter_until, one.leave_by, one.price, not one.is_quiet, str(one.slot_id)


def _why_not(ordered: Outing, asked: Outing, price: int, number: int) -> Code:  # noqa: PLR0911 - a reason each
    """Return the first rule without which a wish could have been done."""
    given, wish, needs = ordered.wishes[number], asked.wishes[number], asked.needs
    if needs.is_step_free_only and not given.is_step_free:
        return "not_step_free"
    within = [
        one
        for one in given.entrances
        if any(one.enter_until >= since and one.enter_from < until for since, until in asked.days)
    ]
    if not within:
        return "closed"
    if not set(within) & set(wish.entrances):
        return "sold_out"
    alone = replace(asked, wishes=(wish,))
    if not _can(alone):
        if _can(replace(alone, budget=None)):
            return "budget_alone"
        if _can(replace(alone, budget=None, needs=replace(needs, rest_every=None))):
            return "no_rest"
        if _can(replace(alone, budget=None, needs=replace(needs, medications=()))):
            return "medication"
        return "too_long"
    if asked.budget is not None and price + min(one.price for one in wish.entrances) > asked.budget:
        return "budget"
    return "no_time"


def _can(outing: Outing) -> bool:
    """Say whether all of an outing can be done."""
    return (1 << len(outing.wishes)) - 1 in Search(outing).found


def _day_out(outing: Outing, number: int, state: State) -> DayOut:
    stops: list[Stop] = []
    visits = state.visits
    for position, visit in enumerate(visits):
        following = visits[position + 1].sat_before if position + 1 < len(visits) else state.sat_last
        stops.append(_stop(outing, number, state, visit, following))
    last = outing.wishes[visits[-1].wish]
    taken, mode = way(last.place, outing.start, outing.needs)
    return DayOut(number, tuple(stops), timedelta(seconds=taken), mode, instant_of(state.at))


def _stop(outing: Outing, number: int, state: State, visit: Visit, after: Sitting | None) -> Stop:
    wish = outing.wishes[visit.wish]
    pauses = (*visit.pauses, after) if after else visit.pauses
    return Stop(
        wish_id=wish.id,
        leaves_for_at=instant_of(visit.leaves_for),
        way=timedelta(seconds=visit.way),
        mode=visit.mode,
        arrives_at=instant_of(visit.arrives),
        enters_at=instant_of(visit.enters),
        leaves_at=instant_of(visit.leaves),
        entrance=visit.entrance,
        pauses=tuple(Pause(instant_of(since), instant_of(until), kind) for since, until, kind in pauses),
        why=_why(outing, number, state, wish, visit),
    )


def _why(outing: Outing, number: int, state: State, wish: Wish, visit: Visit) -> Why:
    """Return why a visit is when it is: the strongest reason there is."""
    if wish.is_booked:
        return "booked"
    if len(wish.entrances) == 1 and visit.entrance.slot_id is not None:
        return "only_time"
    if outing.needs.prefers_quiet and visit.entrance.is_quiet:
        return "quiet"
    is_first = visit.leaves_for == state.set_out
    since = seconds(outing.days[number][0]) + visit.way if is_first else visit.arrives
    earlier = [max(seconds(one.enter_from), since) for one in wish.entrances if seconds(one.enter_until) >= since]
    if min(earlier, default=visit.enters) < visit.enters:
        return "for_the_rest"
    if is_first:
        return "earliest"
    return "on_arrival" if visit.enters == visit.arrives else "next_time"
