"""Drills: the real ladder, called one in every text, and nothing of them in the figures."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from eldercare.alarms.notices import ACCESS_ENDED, ACCESS_OPENED, ORIGIN
from eldercare.ladders.service import UNANSWERED
from notifications.templates.notices import notices
from notifications.templates.rendering import Reader, render
from notifications.templates.variables import encode
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desk
from tests.factories import identity
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")

ABOUT_ALARMS = [notice for key, notice in sorted(notices().items()) if "mode" in notice.variables]
MARKS = {"en": "TEST. ", "zh-CN": "【演练】"}


def figures(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in ("since", "until")}


@pytest.mark.parametrize("language", MARKS)
@pytest.mark.parametrize("notice", ABOUT_ALARMS, ids=lambda notice: notice.key)
def test_every_text_of_a_drill_begins_with_test(notice: Any, language: str) -> None:
    samples: dict[str, Any] = {"instant": alarms.later(0), "word": "test", "text": "x", "integer": 1}
    ids = {kind: clocks.new_id() for kind in ("resident", "account", "community")}
    given = {name: {**ids, **samples}[kind] for name, kind in notice.variables.items()} | {"mode": "test"}
    stored = encode(notice.variables, given)
    names = dict.fromkeys(ids.values(), "Grace")
    for channel in notice.channels:
        text = render(notice, channel, Reader("Sam", language, "UTC"), stored, names)
        assert (text.title or text.body).startswith(MARKS[language]), f"{notice.key} {channel}"
        if channel == "mail":
            assert text.body.startswith(MARKS[language])


def test_every_notice_of_an_alarm_but_that_of_access_says_whether_it_is_a_test() -> None:
    ours = [notice for notice in notices().values() if notice.package in ("eldercare.alarms", "eldercare.duty_desk")]
    silent = {notice.key for notice in ours if "mode" not in notice.variables}
    assert silent == {ACCESS_OPENED.key, ACCESS_ENDED.key}
    assert ORIGIN == "eldercare.alarm"


async def test_a_drill_climbs_the_real_ladder_and_its_report_shows_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=1)
    headers = await sign_in(scene.desk)
    body = {"resident_id": str(scene.resident.id), "kind": "fall", "severity": "critical"}
    started = await client.post("/v1/drills", headers=headers, json=body)
    assert started.status_code == 201, started.text
    drill, alarm_id = started.json()["id"], uuid.UUID(started.json()["alarm_id"])
    running = await client.post("/v1/drills", headers=headers, json=body)
    assert (running.status_code, running.json()["code"]) == (409, "drill_running")
    for seconds in (0, 60, 90):
        clock.advance(timedelta(seconds=seconds))
        await alarms.climb()
    assert await alarms.told(alarm_id) == [
        (1, 1, scene.circle[0].id),
        (1, 3, scene.circle[0].id),
        (1, 4, scene.desk.id),
    ]
    clock.advance(timedelta(seconds=45))
    assert (await client.post(f"/v1/duty-desk/alarms/{alarm_id}/claim", headers=headers)).status_code == 200

    report = (await client.post(f"/v1/drills/{drill}/finish", headers=headers)).json()

    assert (report["state"], report["kind"], report["severity"]) == ("resolved", "fall", "critical")
    assert (report["desk_after"], report["taken_after"], report["desk_took"]) == (150, 195, 45)
    assert (report["within_60_seconds"], report["within_180_seconds"]) == (True, True)
    assert {(told["name"], told["step"], told["told_after"]) for told in report["told"]} == {
        ("Relative 1", 1, 0),
        ("Relative 1", 3, 60),
        ("Desk", 4, 150),
    }
    again = await client.post(f"/v1/drills/{drill}/finish", headers=headers)
    assert again.json()["finished_at"] == report["finished_at"]
    assert (await client.post("/v1/drills", headers=headers, json=body)).status_code == 201
    listed = (await client.get("/v1/drills", headers=headers)).json()["items"]
    assert [item["id"] for item in listed][-1] == drill
    open_grants = "SELECT count(*) FROM identity_grant WHERE kind = 'break_glass'"
    assert await alarms.scalar(open_grants) == 0


async def test_a_drill_leaves_the_figures_untouched(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    headers = await sign_in(scene.desk)
    real = await alarms.raised(scene.resident)
    await alarms.climb()
    await client.post(f"/v1/alarms/{real.id}/acknowledgement", headers=headers)
    await client.post(f"/v1/alarms/{real.id}/resolution", headers=headers, json={"outcome": "false_alarm"})
    period = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-31T00:00:00Z"}
    months = {"from": "2026-03-01", "to": "2026-03-31"}

    async def reports() -> list[Any]:
        own = await sign_in(scene.desk)
        times = (await client.get("/v1/reports/response-times", headers=own, params=period)).json()
        by_month = (await client.get("/v1/reports/response-times-by-month", headers=own, params=months)).json()
        false = (await client.get("/v1/reports/false-alarms", headers=own, params=period)).json()
        totals = (await client.get("/v1/reports/false-alarm-totals", headers=own, params=period)).json()
        assert times["alarms"] == totals["items"][0]["alarms"] == 1
        return [figures(times), by_month, false, totals, UNANSWERED._value.get()]

    before = await reports()
    body = {"resident_id": str(scene.resident.id)}
    drill = (await client.post("/v1/drills", headers=headers, json=body)).json()
    for _ in range(4):
        await alarms.climb()
        clock.advance(timedelta(seconds=60))
    headers = await sign_in(scene.desk)
    outcome = {"outcome": "false_alarm"}
    await client.post(f"/v1/alarms/{drill['alarm_id']}/resolution", headers=headers, json=outcome)
    await client.post(f"/v1/drills/{drill['id']}/finish", headers=headers)

    assert await reports() == before


async def test_a_drill_that_nobody_can_be_told_of_is_not_counted_as_unanswered(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0, with_desk=False)
    counted = UNANSWERED._value.get()
    exercise = await alarms.raised(scene.resident, is_test=True)
    await alarms.climb()
    assert "unanswered" in await alarms.kinds(exercise)
    assert UNANSWERED._value.get() == counted
    await alarms.raised(scene.resident)
    await alarms.climb()
    assert UNANSWERED._value.get() == counted + 1


async def test_of_two_who_start_one_at_once_one_does(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    people = [await sign_in(scene.desk), await sign_in(await desk.colleague(scene))]
    body = {"resident_id": str(scene.resident.id)}
    answers = await asyncio.gather(*(client.post("/v1/drills", headers=own, json=body) for own in people))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_who_may_what(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    headers = await sign_in(scene.desk)
    body = {"resident_id": str(scene.resident.id)}
    drill = (await client.post("/v1/drills", headers=headers, json=body)).json()
    relative = await sign_in(scene.circle[0])
    foreign = await sign_in(await identity.operator(await identity.community(name="Elsewhere")))
    assert (await client.post("/v1/drills", headers=relative, json=body)).status_code == 403
    assert (await client.post("/v1/drills", headers=foreign, json=body)).status_code == 404
    for method, path in (("GET", f"/v1/drills/{drill['id']}"), ("POST", f"/v1/drills/{drill['id']}/finish")):
        assert (await client.request(method, path, headers=relative)).status_code == 403
        assert (await client.request(method, path, headers=foreign)).status_code == 404
    assert (await client.get("/v1/drills", headers=foreign)).json()["items"] == []
