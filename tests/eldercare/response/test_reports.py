"""The figures: response times by month against the yardstick, and how many alarms were false."""

import uuid
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import ARRAY

from app.core import set_ids
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.alarms.models import AlarmKind
from eldercare.response.rules import month_span
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")

ZONES = ("Asia/Shanghai", "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland")


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)), st.sampled_from(ZONES))
def test_months_follow_each_other_without_a_gap(day: date, zone: str) -> None:
    begins, ends = month_span(day, day, zone)
    assert timedelta(days=27) < ends - begins < timedelta(days=32)
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    assert month_span(following, following, zone)[0] == ends


async def test_response_times_by_month_of_the_communitys_calendar(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    headers: dict[str, str] = {}
    # 31 March 23:59 and 1 April 00:01 in Shanghai.
    for at, seconds in (
        (datetime(2026, 3, 31, 15, 59, tzinfo=UTC), 200),
        (datetime(2026, 3, 31, 16, 1, tzinfo=UTC), 30),
        (datetime(2026, 4, 10, 16, 1, tzinfo=UTC), 50),
    ):
        clock.set(at)
        alarm = await alarms.raised(await identity.resident(scene.community, name="R"))
        await alarms.climb()
        clock.advance(timedelta(seconds=seconds))
        headers = await sign_in(scene.desk)
        answer = await client.post(f"/v1/duty-desk/alarms/{alarm.id}/claim", headers=headers)
        assert answer.status_code == 200
    params = {"from": "2026-03-15", "to": "2026-04-15"}

    report = await client.get("/v1/reports/response-times-by-month", headers=headers, params=params)

    assert report.status_code == 200, report.text
    april, march = report.json()["items"]
    assert (april["month"], april["alarms"], march["month"], march["alarms"]) == ("2026-04-01", 2, "2026-03-01", 1)
    assert april["desk_queue_to_taken"]["within_60_seconds"] == 1
    assert april["desk_queue_to_taken"]["meets_yardstick"] is True
    assert march["desk_queue_to_taken"]["within_180_seconds"] == 0
    assert march["desk_queue_to_taken"]["meets_yardstick"] is False
    assert april["since"] == march["until"] == "2026-03-31T16:00:00Z"
    backwards = {"from": "2026-04-15", "to": "2026-03-15"}
    refused = await client.get("/v1/reports/response-times-by-month", headers=headers, params=backwards)
    assert refused.status_code == 422


_TAKEN = f"""
INSERT INTO eldercare_alarm (id, created_at, updated_at, version, community_id, resident_id, kind, severity, state,
    is_test, stands_alone, raised_at, step, round, desk_queued_at, desk_taken_at, closed_at, outcome)
SELECT {set_ids.MINT_SQL}, :now, :now, 1, community_id, id, 'fall', 3, 'resolved', false, false, :now, 1, 1, :now,
    CAST(:now AS timestamptz) + took * interval '1 second', :now, 'helped'
FROM identity_resident, unnest(CAST(:seconds AS float[])) AS took
"""


@pytest.mark.parametrize(
    ("in_time", "late", "too_late", "nobody", "meets"),
    [
        pytest.param(195, 3, 2, 0, True, id="97.5 % within 60 s and 99 % within 180 s, to the second"),
        pytest.param(194, 4, 2, 0, False, id="one more took longer than a minute"),
        pytest.param(195, 2, 3, 0, False, id="one more took longer than three"),
        pytest.param(195, 2, 2, 1, False, id="one that nobody ever took"),
    ],
)
async def test_the_yardstick_of_a_month(
    client: httpx.AsyncClient, clock: ManualClock, in_time: int, late: int, too_late: int, nobody: int, *, meets: bool
) -> None:
    """Of the telecare monitoring centres: 97.5 % of the calls taken within 60 seconds, 99 % within 180."""
    scene = await alarms.scene(circle=0)
    seconds = [*[60.0] * in_time, *[180.0] * late, *[181.0] * too_late, *[None] * nobody]
    binds = {"now": clock.now(), "seconds": seconds, "minted_at": set_ids.minted_at()}
    async with unit_of_work() as session:
        written = sa.text(_TAKEN).bindparams(
            sa.bindparam("now", type_=sa.DateTime(timezone=True)), sa.bindparam("seconds", type_=ARRAY(sa.Float))
        )
        await session.execute(written, binds)

    params = {"from": "2026-03-01", "to": "2026-03-31"}
    found = await client.get("/v1/reports/response-times-by-month", headers=await sign_in(scene.desk), params=params)

    (month,) = found.json()["items"]
    desk = month["desk_queue_to_taken"]
    assert desk["within_60_seconds"] == in_time / 200
    assert desk["within_180_seconds"] == (in_time + late) / 200
    assert (desk["waiting"], desk["meets_yardstick"]) == (nobody, meets)


async def test_false_alarms_by_rule_and_by_resident(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    other = await identity.resident(scene.community, name="Rosa")
    headers = await sign_in(scene.desk)
    for who, kind, outcome in (
        (scene.resident, AlarmKind.FALL, "false_alarm"),
        (scene.resident, AlarmKind.FALL, "false_alarm"),
        (scene.resident, AlarmKind.FALL, "helped"),
        (other, AlarmKind.FALL, "helped"),
        (other, AlarmKind.SMOKE, "false_alarm"),
    ):
        alarm = await alarms.raised(who, kind=kind)
        path = f"/v1/alarms/{alarm.id}/resolution"
        assert (await client.post(path, headers=headers, json={"outcome": outcome})).status_code == 200
    await alarms.raised(other)  # open: nobody knows yet
    params = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}

    by_rule = (await client.get("/v1/reports/false-alarms", headers=headers, params=params)).json()["items"]
    assert [(item["kind"], item["alarms"], item["false_alarms"], item["rate"]) for item in by_rule] == [
        ("fall", 4, 2, 0.5),
        ("smoke", 1, 1, 1),
    ]
    assert {(item["resident_id"], item["rule"]) for item in by_rule} == {(None, None)}
    of_kind = await client.get("/v1/reports/false-alarms", headers=headers, params={**params, "per": "kind"})
    assert of_kind.json()["items"] == by_rule  # what happened by no rule is counted by its kind
    seen, cursor = [], None
    while True:
        paging = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (
            await client.get(
                "/v1/reports/false-alarms", headers=headers, params={**params, "per": "resident", **paging}
            )
        ).json()
        seen += [(item["resident_name"], item["kind"], item["alarms"], item["false_alarms"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [("Grace", "fall", 3, 2), ("Rosa", "smoke", 1, 1), ("Rosa", "fall", 1, 0)]
    relative = await sign_in(await identity.account(scene.community))
    assert (await client.get("/v1/reports/false-alarms", headers=relative, params=params)).status_code == 403
    foreign = await sign_in(await identity.operator(await identity.community(name="Elsewhere")))
    elsewhere = await client.get("/v1/reports/false-alarms", headers=foreign, params=params)
    assert elsewhere.json()["items"] == []


async def test_false_alarms_are_counted_by_the_rule_that_called(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    headers = await sign_in(scene.desk)
    plan, other, zone = (uuid.UUID(int=number) for number in (1, 2, 3))
    missed, left = AlarmKind.CHECK_IN_MISSED, AlarmKind.WANDERING
    for signals, outcome in (
        ([(missed, ("check_in_plan", plan))], "false_alarm"),
        ([(missed, ("check_in_plan", plan)), (missed, ("check_in_plan", plan))], "false_alarm"),
        ([(missed, ("check_in_plan", other)), (left, ("safe_zone", zone))], "helped"),
    ):
        raised = [await alarms.raised(scene.resident, kind=kind, rule=rule) for kind, rule in signals]
        path = f"/v1/alarms/{raised[0].id}/resolution"
        assert (await client.post(path, headers=headers, json={"outcome": outcome})).status_code == 200
    seen: list[tuple[object, ...]] = []
    paging: dict[str, str | None] = {}
    while paging.get("cursor", "") is not None:
        params = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "limit": "1", "per": "rule", **paging}
        page = (await client.get("/v1/reports/false-alarms", headers=headers, params=params)).json()
        seen += [
            (
                item["resident_name"],
                item["kind"],
                item["rule"]["kind"],
                item["rule"]["id"],
                item["alarms"],
                item["rate"],
            )
            for item in page["items"]
        ]
        paging = {"cursor": page["next"]}
    assert seen == [
        ("Grace", "check_in_missed", "check_in_plan", str(plan), 2, 1.0),
        ("Grace", "check_in_missed", "check_in_plan", str(other), 1, 0.0),
        ("Grace", "wandering", "safe_zone", str(zone), 1, 0.0),
    ]


async def test_the_totals_count_an_alarm_once_and_exercises_never(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    other = await identity.resident(scene.community, name="Rosa")
    headers = await sign_in(scene.desk)
    zone = ("safe_zone", uuid.UUID(int=3))
    for who, signals, outcome, is_test in (
        (
            scene.resident,
            [(AlarmKind.FALL, None), (AlarmKind.SMOKE, None), (AlarmKind.WANDERING, zone)],
            "helped",
            False,
        ),
        (scene.resident, [(AlarmKind.FALL, None)], "false_alarm", False),
        (other, [(AlarmKind.FALL, None), (AlarmKind.SMOKE, None)], "false_alarm", False),
        (other, [(AlarmKind.FALL, None)], "false_alarm", True),
    ):
        raised = [await alarms.raised(who, kind=kind, rule=rule, is_test=is_test) for kind, rule in signals]
        path = f"/v1/alarms/{raised[0].id}/resolution"
        assert (await client.post(path, headers=headers, json={"outcome": outcome})).status_code == 200
    params = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}

    whole = await client.get("/v1/reports/false-alarm-totals", headers=headers, params=params)
    assert whole.json() == {
        "items": [{"resident_id": None, "resident_name": None, "alarms": 3, "false_alarms": 2, "rate": 2 / 3}],
        "next": None,
    }
    seen: list[tuple[str, int, int]] = []
    paging: dict[str, str] = {}
    while True:
        page = (
            await client.get(
                "/v1/reports/false-alarm-totals",
                headers=headers,
                params={**params, "per": "resident", "limit": "1", **paging},
            )
        ).json()
        seen += [(row["resident_name"], row["alarms"], row["false_alarms"]) for row in page["items"]]
        if page["next"] is None:
            break
        paging = {"cursor": page["next"]}
    assert sorted(seen) == [("Grace", 2, 1), ("Rosa", 1, 1)]
    backwards = {"from": params["to"], "to": params["from"]}
    assert (await client.get("/v1/reports/false-alarm-totals", headers=headers, params=backwards)).status_code == 422
