"""The demo's moods: on whatever day somebody visits, there is somebody to ask how they are."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.demo import behaviour, people, seeding
from eldercare.wellbeing.rules.drift import compare
from eldercare.wellbeing.rules.measures import SCALES

NEIGHBOURS = people.neighbours(behaviour.SEED, seeding.RESIDENTS)[0]


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)))
def test_on_any_day_somebody_drifts_and_most_do_not(today: date) -> None:
    days = [today - timedelta(days=ago) for ago in range(1, seeding.PAST.days + 1)]
    standings = {"drifting": 0, "as_usual": 0, "not_enough_data": 0}
    for neighbour in NEIGHBOURS:
        if neighbour.has_app:
            asked = [day for day in days if day.isoweekday() in neighbour.plan["weekdays"]]
            moods = {day: float(behaviour.felt(neighbour.number, day, (day - days[-1]).days).mood) for day in asked}
            standings[compare(moods, days[0], SCALES["mood"]).standing] += 1
    assert 1 <= standings["drifting"] < standings["as_usual"] / 3


@given(number=st.integers(0, 200), day=st.dates(), age=st.integers(0, 500))
def test_what_is_felt_is_on_the_scale_and_the_same_however_often_it_is_asked(number: int, day: date, age: int) -> None:
    felt = behaviour.felt(number, day, age)
    assert felt == behaviour.felt(number, day, age)
    assert all(1 <= value <= 5 for value in felt.body().values())
