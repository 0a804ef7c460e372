"""Charts and present states: who may see them, in how many points, and that a spike is never lost."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.tables import table_of
from community.home_devices.models import HomeEntity
from community.home_states import jobs, views
from tests.community.home_states.conftest import House, forget, say
from tests.factories import identity, sign_in

BEGIN: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def _history(client: httpx.AsyncClient, house: House, entity: HomeEntity, **query: Any) -> Any:
    headers = await sign_in.sign_in(house.daughter)
    answer = await client.get(f"/v1/home-entities/{entity.id}/history", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_whoever_may_not_see_it_sees_nothing_of_a_home(client: httpx.AsyncClient, house: House) -> None:
    await say(house.warmth, [(BEGIN, 20.0)])
    paths = [
        f"/v1/homes/{house.home.id}/states",
        f"/v1/home-entities/{house.warmth.id}/history",
        f"/v1/home-entities/{house.warmth.id}/statistics",
    ]
    place = await identity.community_of(house.daughter)
    neighbour = await identity.account(place, name="Cy")
    helper = await identity.account(place, name="Dee")
    await identity.grant(house.grace, helper, ["home:activity"])
    for path in paths:
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=await sign_in.sign_in(neighbour))).status_code == 404
        assert (await client.get(path, headers=await sign_in.sign_in(helper))).status_code == 403
        assert (await client.get(path, headers=await sign_in.sign_in_resident(house.grace))).status_code == 200


async def test_that_somebody_looked_is_on_record(client: httpx.AsyncClient, house: House) -> None:
    await say(house.warmth, [(BEGIN, 20.0)])
    await _history(client, house, house.warmth)
    entries = table_of(AuditEntry)
    async with reading() as connection:
        actions = set(await connection.scalars(sa.select(entries.c.action)))
    assert "home_states:history" in actions


async def test_present_states_are_listed(client: httpx.AsyncClient, house: House) -> None:
    await say(house.warmth, [(BEGIN, 20.0)])
    headers = await sign_in.sign_in_resident(house.grace)
    answer = (await client.get(f"/v1/homes/{house.home.id}/states", headers=headers)).json()
    assert [one["entity_id"] for one in answer["items"]] == [str(house.warmth.id)]


async def test_of_a_day_a_chart_shows_readings_and_what_stood_before(client: httpx.AsyncClient, house: House) -> None:
    await say(house.warmth, [(BEGIN - 2 * HOUR, 19.0), (BEGIN, 20.0), (BEGIN + MINUTE, None), (BEGIN + HOUR, 21.0)])
    found = await _history(
        client, house, house.warmth, since=(BEGIN - HOUR).isoformat(), until=(BEGIN + HOUR).isoformat()
    )
    assert (found["source"], found["unit"]) == ("readings", "°C")
    assert [point["number"] for point in found["points"]] == [19.0, 20.0, None]


async def test_of_more_than_a_day_a_chart_never_reads_readings(
    client: httpx.AsyncClient, house: House, clock: ManualClock
) -> None:
    await say(house.warmth, [(BEGIN + number * HOUR, float(number)) for number in range(50)])
    query = {"since": BEGIN.isoformat(), "until": (BEGIN + 50 * HOUR).isoformat()}
    assert (await _history(client, house, house.warmth, **query))["points"] == []
    clock.set(BEGIN + 51 * HOUR)
    await jobs.sum_up()
    found = await _history(client, house, house.warmth, **query)
    assert found["source"] == "hours"
    assert [point["number"] for point in found["points"]] == [float(number) for number in range(50)]
    fewer = await _history(client, house, house.warmth, points=10, **query)
    assert [(point["minimum"], point["maximum"]) for point in fewer["points"]] == [
        (5 * number, 5 * number + 4) for number in range(10)
    ]
    month = await _history(client, house, house.warmth, since=(BEGIN - 300 * DAY).isoformat())
    assert month["source"] == "days"
    assert len(month["points"]) == 2


async def test_hours_and_days_are_listed_and_too_long_a_time_is_refused(
    client: httpx.AsyncClient, house: House, clock: ManualClock
) -> None:
    await say(house.meter, [(BEGIN, 1.0), (BEGIN + 30 * MINUTE, 3.5)])
    clock.set(BEGIN + HOUR + 6 * MINUTE)
    await jobs.sum_up()
    headers = await sign_in.sign_in(house.daughter)
    path = f"/v1/home-entities/{house.meter.id}/statistics"
    (hour,) = (await client.get(path, headers=headers)).json()["items"]
    assert (hour["sum"], hour["count"], hour["maximum"]) == (2.5, 2, 3.5)
    for query in ({"since": "2025-12-01T00:00:00Z"}, {"since": "2027-01-01T00:00:00Z"}, {"period": "week"}):
        assert (await client.get(path, params=query, headers=headers)).status_code == 422


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.integers(0, 86_399), st.one_of(st.none(), st.integers(-99, 99).map(float)), min_size=1),
    st.integers(10, 60),
)
async def test_in_however_few_points_the_highest_and_the_lowest_are_shown(
    client: httpx.AsyncClient, house: House, said: dict[int, float | None], points: int
) -> None:
    await forget(house.warmth.id)
    shown = [(BEGIN + timedelta(seconds=offset), value) for offset, value in sorted(said.items())]
    await say(house.warmth, shown)
    query = {"since": BEGIN.isoformat(), "until": (BEGIN + DAY).isoformat(), "points": points}
    found = [point["number"] for point in (await _history(client, house, house.warmth, **query))["points"]]
    numbers = [value for value in said.values() if value is not None]
    assert len(found) <= points
    assert set(found) <= set(said.values())
    if numbers:
        drawn = [value for value in found if value is not None]
        assert (min(drawn), max(drawn)) == (min(numbers), max(numbers))
    assert (None in found) == (None in said.values())


async def test_the_past_of_several_entities_is_read_for_those_who_learn_from_it(house: House) -> None:
    await say(house.warmth, [(BEGIN, 20.0), (BEGIN + HOUR, 21.0)])
    await say(house.meter, [(BEGIN + MINUTE, 1.0)])
    async with reading() as connection:
        found = await views.history(connection, [house.warmth.id, house.meter.id], BEGIN, BEGIN + HOUR)
    assert [(one.entity_id, one.number) for one in found] == [(house.warmth.id, 20.0), (house.meter.id, 1.0)]
