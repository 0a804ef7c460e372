"""Visits over midnight, and over the nights on which clocks change: planned, seen, made, and counted as they are."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account, Community
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import notifications as sent

BERLIN = "Europe/Berlin"
BY_HAND = {"how": "manual", "reason": "The tag is broken"}
HOUR = timedelta(hours=1)


async def in_berlin(scene: Scene) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(time_zone=BERLIN))
        await session.execute(sa.update(Community).values(time_zone=BERLIN))


@pytest.mark.parametrize(
    ("eve", "starts_at", "hours"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 28, 21, tzinfo=UTC), 7),
        (date(2026, 6, 1), datetime(2026, 6, 1, 20, tzinfo=UTC), 8),
        (date(2026, 10, 24), datetime(2026, 10, 24, 20, tzinfo=UTC), 9),
    ],
    ids=["forward", "no change", "back"],
)
async def test_a_night_watch_is_as_long_as_the_night(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, eve: date, starts_at: datetime, hours: int
) -> None:
    await in_berlin(scene)
    clock.set(datetime.combine(eve, time(9), UTC))
    await made.template(scene.plan, begins="22:00", until="06:00", starts_on=eve, ends_on=eve, time_zone=BERLIN)
    (visit,) = await made.visits(scene.resident)
    ends_at = starts_at + hours * HOUR
    assert (visit.starts_at, visit.ends_at, visit.local_date) == (starts_at, ends_at, eve)
    await made.assign(visit.id, scene.carer)
    cai, nora = await phone_of(scene.carer), await phone_of(scene.coordinator)
    morrow = eve + timedelta(days=1)
    for day in (eve, morrow):  # it lies on both days, for the carer and for the agency
        assert [one["visit_id"] for one in (await cai("GET", f"/me/visits?date={day}"))["items"]] == [str(visit.id)]
        board = await nora("GET", f"/organizations/{scene.agency.id}/visits?date={day}")
        assert [one["id"] for one in board["items"]] == [str(visit.id)]
    assert (await nora("GET", f"/organizations/{scene.agency.id}/visits?date={morrow + timedelta(1)}"))["items"] == []

    clock.set(starts_at)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.set(ends_at + timedelta(minutes=14))
    await made.look_after()
    assert "eldercare.check_out_due" not in {item.notice_key for item in await sent.deliveries()}
    clock.set(ends_at + timedelta(minutes=15))
    await made.look_after()
    assert "eldercare.check_out_due" in {item.notice_key for item in await sent.deliveries()}
    left = {"proof": BY_HAND, "unfinished_reason": "She slept", "occurred_at": ends_at.isoformat()}
    assert (await cai("POST", f"/visits/{visit.id}/departure", left))["state"] == "completed"
    answer = await nora.client.get(
        f"/v1/organizations/{scene.agency.id}/timesheet?from={eve}&to={eve}", headers=await nora.headers()
    )
    assert f"{hours}.00,{hours}.00" in answer.text


async def test_the_night_shift_makes_the_visits_after_midnight(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    night = datetime(2026, 3, 2, 22, tzinfo=UTC)
    await made.shift(scene.agency, scene.carer, night)
    await made.shift(scene.agency, scene.carer, night + 18 * HOUR, lasts=4 * HOUR)  # ten hours after it ended
    at_one, at_seven, in_the_evening, late = [
        await made.single(scene.plan, at, account_id=scene.resident.account_id)
        for at in (night + 3 * HOUR, night + 9 * HOUR, night + 18.5 * HOUR, night + 20 * HOUR)
    ]
    nora = await phone_of(scene.coordinator)
    url = f"/organizations/{scene.agency.id}/route-plans"
    proposed = await nora("POST", url, {"date": "2026-03-03"}, expect=201)
    stops: dict[str, Any] = {stop["visit_id"]: stop for stop in proposed["stops"]}
    assert stops[str(at_one.id)]["carers"] == [str(scene.carer.id)]
    assert stops[str(at_seven.id)]["carers"] == []  # nobody works then
    # The rest after the night is kept: eleven hours, not ten.
    assert "eleven hours" in stops[str(in_the_evening.id)]["unassigned"]
    assert stops[str(late.id)]["carers"] == [str(scene.carer.id)]
    await nora("POST", f"{url}/{proposed['id']}/acceptance")
    assert (await made.visit(at_one.id)).state == "assigned"

    # And somebody sick on the night shift is replaced after midnight as before it.
    await made.shift(scene.agency, scene.other_carer, night)
    body = {"date": "2026-03-03", "absent": [str(scene.carer.id)]}
    instead = await nora("POST", url, body, expect=201)
    replaced = {stop["visit_id"]: stop["carers"] for stop in instead["stops"]}
    assert replaced[str(at_one.id)] == [str(scene.other_carer.id)]


async def test_a_visit_in_the_hour_that_comes_twice_is_one(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    clock.set(datetime(2026, 10, 24, 9, tzinfo=UTC))
    await made.template(
        scene.plan, begins="02:30", starts_on="2026-10-25", ends_on="2026-10-25", time_zone=BERLIN, duration="PT45M"
    )
    (visit,) = await made.visits(scene.resident)
    assert (visit.starts_at, visit.ends_at - visit.starts_at) == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        timedelta(minutes=45),
    )


async def test_a_visit_in_the_hour_that_is_skipped_comes_all_the_same(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    clock.set(datetime(2026, 3, 28, 9, tzinfo=UTC))
    await made.template(
        scene.plan, begins="02:30", until="03:15", starts_on="2026-03-29", ends_on="2026-03-29", time_zone=BERLIN
    )
    (visit,) = await made.visits(scene.resident)
    assert visit.starts_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 by the new time
    assert visit.ends_at > visit.starts_at
    assert visit.local_date == date(2026, 3, 29)
