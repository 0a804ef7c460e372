"""Hours over HTTP: rules, days with other hours, holidays, closings nobody had planned, and what is told of each."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from community.attractions.jobs import derive_openings
from community.attractions.service.crowd import note_crowd
from tests.community.attractions.conftest import WEEK, Scene
from tests.factories import identity, sign_in

EVENTS = table_of(EventRecord)


def at(day: int, hour: int, minute: int = 0) -> str:
    """Return an instant of March 2026 in Shanghai, as answers write it."""
    return (datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def days(scene: Scene, attraction_id: str, first: str, last: str, *, what: str = "open") -> dict[str, Any]:
    """Return when an attraction is open on each day, as wall times."""
    answer = await scene.client.get(f"/v1/attractions/{attraction_id}/opening-days", params={"from": first, "to": last})
    assert answer.status_code == 200, answer.text
    return {
        one["day"][8:]: [(_wall(spell["starts_at"]), _wall(spell["ends_at"])) for spell in one[what]]
        for one in answer.json()["items"]
    }


def _wall(instant: str) -> str:
    return (datetime.fromisoformat(instant) + timedelta(hours=8)).strftime("%H:%M")


async def told(attraction_id: str) -> list[tuple[str, Any]]:
    """Return the facts that were told of an attraction, in order, with what or until when."""
    async with reading() as connection:
        rows = await connection.execute(
            sa.select(EVENTS).where(EVENTS.c.aggregate_id == attraction_id).order_by(EVENTS.c.sequence)
        )
        return [(row.name.split(".")[1], row.payload.get("what") or row.payload["ends_at"]) for row in rows]


async def test_a_rule_of_weekdays_and_one_of_a_month_and_a_night(scene: Scene) -> None:
    first_sunday = {"rrule": "FREQ=MONTHLY;BYDAY=1SU", "valid_from": "2026-01-01", "starts": "19:00", "ends": "26:00"}
    attraction_id = await scene.published(WEEK, first_sunday)

    found = await days(scene, attraction_id, "2026-04-04", "2026-04-07")

    assert found == {
        "04": [("09:00", "17:00")],
        "05": [("09:00", "17:00"), ("19:00", "00:00")],
        "06": [("00:00", "02:00")],
        "07": [("09:00", "17:00")],
    }


async def test_holidays_close_what_skips_them_and_open_what_waits_for_them(scene: Scene) -> None:
    attraction_id = await scene.published(
        WEEK | {"holidays": "skip"}, {"weekdays": [1], "starts": "10:00", "ends": "16:00", "holidays": "only"}
    )
    await identity.holiday(scene.place, date(2026, 3, 9))
    await identity.holiday(scene.place, date(2026, 3, 10))

    found = await days(scene, attraction_id, "2026-03-09", "2026-03-11")

    assert found == {"09": [("10:00", "16:00")], "10": [], "11": [("09:00", "17:00")]}


async def test_other_hours_stand_in_place_of_the_rules(scene: Scene) -> None:
    attraction_id = await scene.published()
    late = {"first_day": "2026-03-10", "last_day": "2026-03-11", "hours": [{"starts": "12:00", "ends": "21:30"}]}
    shut = {"first_day": "2026-03-12", "last_day": "2026-03-12", "reason": {"en": "Works", "zh-CN": "施工"}}

    await scene.done("POST", f"{attraction_id}/opening-exceptions", json=late)
    exception = await scene.done("POST", f"{attraction_id}/opening-exceptions", json=shut)
    again = await scene.client.post(
        f"{scene.path}/{attraction_id}/opening-exceptions",
        json=shut | {"first_day": "2026-03-11"},
        headers=scene.keeper,
    )
    found = await days(scene, attraction_id, "2026-03-10", "2026-03-13")
    why = (
        await scene.client.get(
            f"/v1/attractions/{attraction_id}/opening-days", params={"from": "2026-03-12", "to": "2026-03-12"}
        )
    ).json()["items"][0]["reason"]
    await scene.done("DELETE", f"{attraction_id}/opening-exceptions/{exception['id']}")

    assert found == {"10": [("12:00", "21:30")], "11": [("12:00", "21:30")], "12": [], "13": [("09:00", "17:00")]}
    assert why == shut["reason"]
    assert again.json()["code"] == "exception_exists"
    assert (await days(scene, attraction_id, "2026-03-12", "2026-03-12")) == {"12": [("09:00", "17:00")]}
    listed = (await scene.client.get(f"{scene.path}/{attraction_id}/opening-exceptions", headers=scene.worker)).json()[
        "items"
    ]
    assert [one["hours"] for one in listed] == [late["hours"]]
    assert await told(attraction_id) == [("attraction_changed", "published"), *[("attraction_changed", "hours")] * 3]


async def test_quiet_hours_are_kept_while_it_is_open(scene: Scene) -> None:
    attraction_id = await scene.published()
    quiet = {"weekdays": [3], "starts": "08:00", "ends": "11:00"}
    await scene.done("PUT", f"{attraction_id}/hours", json={"hours": [WEEK], "quiet_hours": [quiet]})

    assert await days(scene, attraction_id, "2026-03-10", "2026-03-11", what="quiet") == {
        "10": [],
        "11": [("09:00", "11:00")],
    }
    assert await scene.found(need="quiet_hours") == ["Garden of the Retired Official"]


async def test_it_is_shut_until_later_and_opened_again_before(scene: Scene) -> None:
    attraction_id = await scene.published(WEEK | {"weekdays": [1, 2]})
    before = (await scene.shown(attraction_id))["opening"]
    closing = await scene.client.post(
        f"{scene.path}/{attraction_id}/closings",
        json={"ends_at": at(3, 12), "reason": {"en": "Storm"}},
        headers=scene.worker,
    )
    shut = await scene.shown(attraction_id)
    found_shut = await scene.found(open_now="true")
    scene.clock.advance(timedelta(minutes=10))
    reopened = await scene.client.delete(
        f"{scene.path}/{attraction_id}/closings/{closing.json()['id']}", headers=scene.worker
    )
    twice = await scene.client.delete(
        f"{scene.path}/{attraction_id}/closings/{closing.json()['id']}", headers=scene.worker
    )

    assert before == {"is_open": True, "opens_at": at(2, 9), "closes_at": at(2, 17)}
    assert closing.status_code == 201, closing.text
    assert shut["opening"] == {"is_open": False, "opens_at": at(3, 12), "closes_at": at(3, 17)}
    assert (shut["closing"]["ends_at"], shut["closing"]["reason"]) == (at(3, 12), {"en": "Storm"})
    assert found_shut == []
    assert reopened.json()["ends_at"] == at(2, 16, 10)
    assert twice.json()["code"] == "closing_over"
    opening = (await scene.shown(attraction_id))["opening"]
    assert opening == {"is_open": True, "opens_at": at(2, 16, 10), "closes_at": at(2, 17)}
    assert await scene.found(open_now="true") == ["Garden of the Retired Official"]
    assert await told(attraction_id) == [
        ("attraction_changed", "published"),
        ("attraction_closed", at(3, 12)),
        ("attraction_changed", "hours"),
    ]


async def test_a_closing_is_of_a_while_that_is_not_over(scene: Scene) -> None:
    attraction_id = await scene.published()

    for ends_at in (at(2, 15), "2026-05-02T12:00:00Z"):
        refused = await scene.client.post(
            f"{scene.path}/{attraction_id}/closings", json={"ends_at": ends_at}, headers=scene.worker
        )
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/body/ends_at"]


async def test_it_opens_next_when_it_has_closed_and_nobody_is_inside(scene: Scene) -> None:
    attraction_id = await scene.published(WEEK | {"weekdays": [1, 3]}, capacity=10)
    async with unit_of_work() as session:
        await note_crowd(session, uuid.UUID(attraction_id), 9, scene.clock.now())
    crowded = (await scene.shown(attraction_id))["crowd"]
    kept = (await scene.client.get(f"{scene.path}/{attraction_id}", headers=scene.keeper)).json()
    scene.clock.advance(timedelta(hours=2))
    closed_unseen = (await scene.shown(attraction_id))["opening"]

    done = await derive_openings()

    closed = await scene.shown(attraction_id)
    assert (crowded["level"], kept["inside"]) == ("busy", 9)
    assert closed_unseen == {"is_open": False, "opens_at": None, "closes_at": None}
    assert done == 1
    assert closed["opening"] == {"is_open": False, "opens_at": at(4, 9), "closes_at": at(4, 17)}
    assert closed["crowd"] is None
    # Those who leave last are of the day that is over; who comes early is of the next.
    async with unit_of_work() as session:
        await note_crowd(session, uuid.UUID(attraction_id), -2, scene.clock.now())
        await note_crowd(session, uuid.UUID(attraction_id), 1, datetime(2026, 3, 4, 0, 55, tzinfo=UTC))
    scene.clock.set(datetime(2026, 3, 4, 1, 30, tzinfo=UTC))
    assert (await scene.shown(attraction_id))["crowd"] == {"level": "quiet", "as_of": "2026-03-04T00:55:00Z"}


async def test_a_calendar_that_is_published_later_is_followed(scene: Scene) -> None:
    attraction_id = await scene.published(WEEK | {"weekdays": [3, 5], "holidays": "skip"})
    operators = await identity.organization(scene.place, "operator")
    operator = await sign_in.sign_in(await identity.staff(operators, "operator"), second_factor=True)
    year = {"days": [{"day": "2026-03-04", "name": "Festival", "is_workday": False}]}
    before = (await scene.shown(attraction_id))["opening"]["opens_at"]

    await scene.client.put("/v1/holidays/2026", json=year, headers=operator)
    await settle(RELAY_JOBS)

    assert (before, (await scene.shown(attraction_id))["opening"]["opens_at"]) == (at(4, 9), at(6, 9))


async def test_what_never_closes_has_no_end(scene: Scene) -> None:
    always = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "starts": "00:00", "ends": "24:00"}
    attraction_id = await scene.published(always)

    opening = (await scene.shown(attraction_id))["opening"]

    assert (opening["is_open"], opening["closes_at"]) == (True, None)
    assert await days(scene, attraction_id, "2026-03-02", "2026-03-03") == {
        "02": [("00:00", "00:00")],
        "03": [("00:00", "00:00")],
    }


async def test_days_get_other_hours_once_however_many_say_so_at_once(scene: Scene) -> None:
    attraction_id = await scene.published()
    path = f"{scene.path}/{attraction_id}/opening-exceptions"
    shut = {"first_day": "2026-03-10", "last_day": "2026-03-12"}

    answers = await asyncio.gather(*(scene.client.post(path, json=shut, headers=scene.keeper) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
