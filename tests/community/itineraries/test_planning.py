"""Days out as somebody would plan them by hand: each rule alone, and what is said of it."""

import pytest

from community.itineraries.rules import words
from community.itineraries.rules.asked import MOST_WISHES, Plan
from community.itineraries.rules.planning import plan
from tests.community.itineraries.outings import (
    BESIDE,
    FAR,
    MINUTE,
    NEAR,
    at,
    day,
    outing,
    slot,
    stops,
    when,
    why,
    wide,
    wish,
)


def pauses(found: Plan) -> list[tuple[int, str]]:
    return [(stop.wish_id.int, pause.kind) for stop in stops(found) for pause in stop.pauses]


def test_one_leaves_home_as_late_as_will_do_and_is_back() -> None:
    found = plan(outing(wish(1, slot(10), stay=60)))
    (out,) = found.days
    (stop,) = out.stops
    assert (stop.arrives_at, stop.enters_at, stop.leaves_at) == (at(10), at(10), at(11))
    assert stop.leaves_for_at == at(10) - stop.way
    assert stop.way > 0 * MINUTE
    assert (stop.mode, stop.why, out.back_at) == ("foot", "only_time", at(11) + out.way_back)
    assert (found.price, found.left_out, found.is_exact) == (1_000, (), True)


def test_what_must_be_seen_comes_before_what_one_would_like() -> None:
    # Both at the same hour: whoever is named first, or is cheaper, makes no difference.
    rivals = [wish(1, slot(10, price=0)), wish(2, slot(10), is_must=True), wish(3, slot(12))]
    found = plan(outing(*rivals))
    assert (when(found), why(found)) == ({2: 10, 3: 12}, {1: "no_time"})


def test_as_many_as_can_be_are_done_by_going_to_the_one_with_a_single_slot_in_time() -> None:
    flexible = [wish(number, *(slot(hour) for hour in (9, 10, 11, 12, 13))) for number in (1, 2)]
    found = plan(outing(*flexible, wish(3, slot(10), place=BESIDE)))
    assert not found.left_out
    assert when(found)[3] == 10


def test_a_slot_without_room_for_all_who_come_is_none() -> None:
    found = plan(outing(wish(1, slot(10, left=1), slot(14, left=2), persons=2)))
    assert when(found) == {1: 14}
    assert why(plan(outing(wish(1, slot(10, left=1), persons=2)))) == {1: "sold_out"}


def test_the_way_takes_its_time() -> None:
    # Straight after the first one cannot be at the other in time, but for the later slot.
    here, there = wish(1, slot(9)), wish(2, slot(10), slot(11.5), place=FAR)
    found = plan(outing(here, there))
    assert when(found) == {1: 9, 2: 11.5}
    assert [stop.mode for stop in stops(found)] == ["foot", "ride"]


def test_one_sets_out_later_rather_than_wait() -> None:
    # The garden is open all morning: it is seen just before the one slot there is, not at nine.
    found = plan(outing(wish(1, wide(9, 14), stay=30), wish(2, slot(14), place=BESIDE)))
    garden, museum = stops(found)
    assert garden.leaves_at + museum.way == museum.enters_at == at(14)
    assert found.is_exact


def test_days_share_what_does_not_fit_into_one() -> None:
    both = [wish(1, slot(10), slot(10, 1)), wish(2, slot(10))]
    found = plan(outing(*both, days=2))
    assert [(out.number, [stop.wish_id.int for stop in out.stops]) for out in found.days] == [(0, [2]), (1, [1])]


def test_a_slower_pace_has_fewer_stops_and_rides_sooner() -> None:
    near = [wish(number, wide(), stay=30) for number in range(1, 5)]
    assert why(plan(outing(*near, pace="slow"))) == {4: "no_time"}
    assert not plan(outing(*near, pace="steady")).left_out
    walk = wish(1, wide(), place=BESIDE)
    assert stops(plan(outing(walk, pace="brisk")))[0].mode == "foot"
    assert stops(plan(outing(walk, pace="slow")))[0].mode == "ride"


def test_rests_come_as_often_as_needed() -> None:
    long = wish(1, wide(), stay=150)
    found = plan(outing(long, rest_every=60 * MINUTE))
    (stop,) = stops(found)
    assert [pause.kind for pause in stop.pauses] == ["rest", "rest"]
    assert stop.leaves_at - stop.enters_at == (150 + 20 * 2) * MINUTE
    on_feet = [stop.leaves_for_at, *(one.ends_at for one in stop.pauses)]
    begun = [*(one.starts_at for one in stop.pauses), found.days[0].back_at]
    assert all(end - start <= 60 * MINUTE for start, end in zip(on_feet, begun, strict=True))


def test_where_nobody_can_sit_nobody_rests() -> None:
    bare = wish(1, wide(), stay=90, has_seats=False)
    assert why(plan(outing(bare, rest_every=60 * MINUTE))) == {1: "no_rest"}
    no_toilet = wish(1, wide(), stay=90, has_toilet=False)
    assert not plan(outing(no_toilet, rest_every=60 * MINUTE)).left_out
    assert why(plan(outing(no_toilet, rest_every=60 * MINUTE, needs_toilet=True))) == {1: "no_rest"}


def test_one_rests_before_going_where_one_cannot() -> None:
    found = plan(outing(wish(1, slot(9)), wish(2, slot(10.5), has_seats=False, stay=50), rest_every=75 * MINUTE))
    assert not found.left_out
    assert pauses(found) == [(1, "rest")]


def test_medication_is_taken_sitting_down_and_in_time() -> None:
    seats = wish(1, slot(11, price=0), stay=120)
    found = plan(outing(seats, medications=(at(12),)))
    assert pauses(found) == [(1, "medication")]
    assert stops(found)[0].pauses[0].starts_at == at(12)
    assert stops(found)[0].leaves_at == at(13) + 20 * MINUTE
    # Where one cannot sit, one is at home when it is time, before or after.
    bare = wish(1, *(slot(hour) for hour in (10.5, 11, 11.5, 12)), has_seats=False, stay=120)
    (stop,) = stops(plan(outing(bare, medications=(at(12),))))
    assert stop.leaves_for_at == at(11.5)
    assert why(plan(outing(wish(1, slot(11), has_seats=False, stay=120), medications=(at(12),)))) == {1: "medication"}


def test_only_what_is_reached_without_steps() -> None:
    steps = wish(1, wide(), is_step_free=False, is_must=True)
    assert when(plan(outing(steps))) != {}
    assert why(plan(outing(steps, is_step_free_only=True))) == {1: "not_step_free"}


def test_quiet_hours_are_worth_some_way() -> None:
    hours = wish(1, slot(9), slot(13, is_quiet=True))
    assert when(plan(outing(hours, wish(2, slot(10))))) == {1: 9, 2: 10}
    quiet = plan(outing(hours, prefers_quiet=True))
    assert (when(quiet), stops(quiet)[0].why) == ({1: 13}, "quiet")


def test_the_budget_holds_and_the_cheaper_is_taken() -> None:
    three = [wish(number, slot(hour, price=4_000)) for number, hour in ((1, 9), (2, 11), (3, 13))]
    found = plan(outing(*three, budget=8_000))
    assert (len(stops(found)), found.price, list(why(found).values())) == (2, 8_000, ["budget"])
    assert why(plan(outing(wish(1, slot(9, price=4_000)), budget=3_999))) == {1: "budget_alone"}
    dear = wish(1, slot(9, price=900), slot(14, price=100))
    assert when(plan(outing(dear, budget=500))) == {1: 14}


def test_what_is_open_on_none_of_the_days_is_closed() -> None:
    assert why(plan(outing(wish(1, slot(10, 3)), wish(2)))) == {1: "closed", 2: "closed"}
    assert why(plan(outing(wish(1, wide(9, 10), stay=90)))) == {1: "too_long"}


def test_reasons_for_the_time_of_a_stop() -> None:
    hours = [slot(hour) for hour in (9, 9.5, 10, 10.5, 11, 11.5)]
    found = plan(outing(wish(1, *hours), wish(2, *hours, place=BESIDE), wish(3, wide(), place=BESIDE)))
    reasons = [stop.why for stop in stops(found)]
    assert reasons[0] in ("earliest", "for_the_rest")
    assert set(reasons[1:]) <= {"on_arrival", "next_time", "for_the_rest"}
    kept = plan(outing(wish(1, slot(11, price=0), is_booked=True, is_must=True)))
    assert stops(kept)[0].why == "booked"


def test_every_reason_is_a_sentence_in_every_language() -> None:
    for said in (
        *(words.why(code, arrives="09:50", enters="10:00") for code in words.WHY["en"]),
        *(words.why_not(code) for code in words.LEFT_OUT["en"]),
    ):
        assert set(said) == {"en", "zh-CN"}
        assert all(text[-1] in ".。" and "{" not in text for text in said.values())


def test_more_than_the_search_is_made_for_is_refused() -> None:
    with pytest.raises(ValueError, match="wishes"):
        outing(*(wish(number) for number in range(MOST_WISHES + 1)))
    with pytest.raises(ValueError, match="each once"):
        outing(wish(1), wish(1))
    with pytest.raises(ValueError, match="days"):
        outing(days=6)
    backwards = outing(wish(1, wide(), place=NEAR))
    with pytest.raises(ValueError, match="in order"):
        type(backwards)(backwards.start, (day(1), day(0)), ())
