"""Answering alarms over HTTP: who may, who gets it, how it ends."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from app.core.clock import ManualClock
from eldercare.alarms.models import AlarmKind, Severity
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")


async def test_of_two_who_take_it_at_once_one_gets_it_and_the_other_learns_who(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    headers = {person.id: await sign_in(person) for person in scene.circle}

    answers = await asyncio.gather(
        *(client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=own) for own in headers.values())
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    won = next(answer for answer in answers if answer.status_code == 200).json()
    lost = next(answer for answer in answers if answer.status_code == 409).json()
    assert lost["code"] == "alarm_already_acknowledged"
    assert lost["acknowledged_by"] == won["acknowledged_by"]
    again = await client.post(
        f"/v1/alarms/{alarm.id}/acknowledgement",
        headers=next(own for person, own in headers.items() if str(person) == won["acknowledged_by"]),
    )
    assert (again.status_code, again.json()["version"]) == (200, won["version"])
    assert (await alarms.kinds(alarm)).count("acknowledged") == 1


async def test_an_alarm_can_be_taken_over_until_somebody_is_there(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    first, second = [await sign_in(person) for person in scene.circle]
    await client.post(f"/v1/alarms/{alarm.id}/departure", headers=first)

    taken = await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=second, json={"take_over": True})
    assert (taken.status_code, taken.json()["state"]) == (200, "acknowledged")
    await client.post(f"/v1/alarms/{alarm.id}/arrival", headers=second)
    refused = await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=first, json={"take_over": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "alarm_already_on_scene")


@pytest.mark.parametrize("step", ["departure", "arrival"])
async def test_nobody_is_set_on_the_way_by_somebody_else_who_does_not_know_of_them(
    client: httpx.AsyncClient, step: str
) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    first, second = [await sign_in(person) for person in scene.circle]
    holder = str(scene.circle[0].id)
    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=first)

    refused = await client.post(f"/v1/alarms/{alarm.id}/{step}", headers=second)
    assert (refused.status_code, refused.json()["code"]) == (409, "alarm_already_acknowledged")
    assert refused.json()["acknowledged_by"] == holder
    mistaken = {"holder": str(scene.circle[1].id)}
    still = await client.post(f"/v1/alarms/{alarm.id}/{step}", headers=second, json=mistaken)
    assert still.status_code == 409
    assert set(await alarms.kinds(alarm)).isdisjoint({"en_route", "on_scene"})

    said = await client.post(f"/v1/alarms/{alarm.id}/{step}", headers=second, json={"holder": holder})
    assert (said.status_code, said.json()["acknowledged_by"]) == (200, holder)
    own = await client.post(f"/v1/alarms/{alarm.id}/{step}", headers=first)  # once more: nothing changes
    assert (own.status_code, own.json()["version"]) == (200, said.json()["version"])


async def test_the_whole_way_and_everything_that_can_be_read_of_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    desk = await sign_in(scene.desk)
    for step, seconds in (("acknowledgement", 30), ("departure", 60), ("arrival", 600)):
        clock.advance(timedelta(seconds=seconds))
        answer = await client.post(f"/v1/alarms/{alarm.id}/{step}", headers=desk)
        assert answer.status_code == 200, answer.text
    note = "Sat on the floor, unhurt"
    ended = await client.post(
        f"/v1/alarms/{alarm.id}/resolution", headers=desk, json={"outcome": "helped", "note": note}
    )
    assert (ended.status_code, ended.json()["state"], ended.json()["outcome"]) == (200, "resolved", "helped")

    detail = (await client.get(f"/v1/alarms/{alarm.id}", headers=desk)).json()
    assert [line["kind"] for line in detail["timeline"]] == [
        "raised",
        "told",
        "acknowledged",
        "en_route",
        "on_scene",
        "resolved",
    ]
    assert {(told["account_id"], told["step"]) for told in detail["notices"]} == {(str(scene.circle[0].id), 1)}
    assert (detail["note"], detail["severity"], detail["signals"][0]["kind"]) == (note, "high", "fall")
    stored = await alarms.scalar("SELECT note FROM eldercare_alarm WHERE id = :id", id=alarm.id)
    assert note not in stored
    closed = await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=desk)
    assert (closed.status_code, closed.json()["code"]) == (409, "alarm_closed")
    open_grants = "SELECT count(*) FROM identity_grant WHERE kind = 'break_glass' AND revoked_at IS NULL"
    assert await alarms.scalar(open_grants) == 0
    told = "SELECT count(*) FROM notifications_inbox_item WHERE account_id = :id AND notice_key = :key"
    key = "eldercare.alarm_access_ended"
    assert await alarms.scalar(told, id=scene.resident.account_id, key=key) == 1
    audited = (
        "SELECT count(*) FROM core_audit_entry WHERE object_id = :id AND action IN ('alarm:read', 'alarm:resolve')"
    )
    assert await alarms.scalar(audited, id=alarm.id) == 2


async def test_cancelling_works_for_the_resident_while_the_countdown_runs(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    values = {"kind": AlarmKind.SOS, "severity": Severity.CRITICAL, "countdown": timedelta(seconds=10)}
    alarm = await alarms.raised(scene.resident, **values)
    own, desk = await sign_in_resident(scene.resident), await sign_in(scene.desk)
    clock.advance(timedelta(seconds=9))
    assert (await client.post(f"/v1/alarms/{alarm.id}/cancellation", headers=desk)).status_code == 403

    cancelled = await client.post(f"/v1/alarms/{alarm.id}/cancellation", headers=own)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    clock.advance(timedelta(seconds=2))
    assert await alarms.climb() == 0

    second = await alarms.raised(scene.resident, **values)
    assert second.id != alarm.id
    clock.advance(timedelta(seconds=10))
    refused = await client.post(f"/v1/alarms/{second.id}/cancellation", headers=own)
    assert (refused.status_code, refused.json()["code"]) == (409, "alarm_countdown_over")
    await alarms.climb()
    assert await alarms.told(second) == [(1, 1, scene.circle[0].id)]


async def test_cancelling_and_climbing_at_once_never_both_happen(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    own = await sign_in_resident(scene.resident)
    alarm = await alarms.raised(
        scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL, countdown=timedelta(seconds=10)
    )
    clock.advance(timedelta(seconds=10))

    answer, _ = await asyncio.gather(client.post(f"/v1/alarms/{alarm.id}/cancellation", headers=own), alarms.climb())

    assert answer.status_code == 409
    await alarms.climb()  # a worker passes over what a request holds, and finds it with its next look
    assert await alarms.told(alarm) == [(1, 1, scene.circle[0].id)]


async def test_who_may_what(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    stranger = await sign_in(await identity.account(scene.community, name="Stranger"))
    reader_account = await identity.account(scene.community, name="Reader")
    await identity.grant(scene.resident, reader_account, ["alarms:read"])
    reader = await sign_in(reader_account)
    elsewhere = await identity.community(name="Elsewhere")
    foreign = await sign_in(await identity.operator(elsewhere, "dispatcher"))
    own = await sign_in_resident(scene.resident)
    path = f"/v1/alarms/{alarm.id}"

    for headers in (stranger, foreign):
        assert (await client.get(path, headers=headers)).status_code == 404
        assert (await client.post(f"{path}/acknowledgement", headers=headers)).status_code == 404
        assert (await client.get("/v1/alarms", headers=headers)).json()["items"] == []
    assert (await client.get(path, headers=reader)).status_code == 200
    assert (await client.post(f"{path}/acknowledgement", headers=reader)).status_code == 403
    refused = await client.post(f"{path}/acknowledgement", headers=own)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_for_the_resident")
    assert (await client.get("/v1/me/alarms", headers=own)).json()["items"][0]["id"] == str(alarm.id)
    assert (await client.get(path)).status_code == 401
    assert (await client.get("/v1/alarms/not-an-id", headers=own)).status_code == 422
    assert (await client.get(f"/v1/alarms/{scene.resident.id}", headers=own)).status_code == 404


async def test_the_queue_is_ordered_by_severity_then_age_and_paged(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    severities = [Severity.LOW, Severity.CRITICAL, Severity.LOW, Severity.HIGH, Severity.CRITICAL]
    for number, severity in enumerate(severities):
        person = await identity.resident(scene.community, name=f"R{number}")
        await alarms.raised(person, severity=severity)
        clock.advance(timedelta(seconds=1))
    desk = await sign_in(scene.desk)

    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/alarms", headers=desk, params=query)).json()
        seen += [(item["severity"], item["raised_at"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert [severity for severity, _ in seen] == ["critical", "critical", "high", "low", "low"]
    assert seen[0][1] < seen[1][1]
    assert seen[3][1] < seen[4][1]


async def test_staff_raise_an_alarm_and_add_what_becomes_known(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    desk = await sign_in(scene.desk)
    path = f"/v1/residents/{scene.resident.id}/alarms"

    made = await client.post(path, headers=desk, json={"severity": "medium", "note": "Neighbour heard a bang"})
    assert (made.status_code, made.json()["kind"]) == (201, "concern")
    added = await client.post(
        f"/v1/alarms/{made.json()['id']}/signals", headers=desk, json={"kind": "fall", "severity": "critical"}
    )
    assert (added.status_code, added.json()["severity"], added.json()["kind"]) == (201, "critical", "fall")
    assert (await client.post(path, headers=desk, json={"severity": "terrible"})).status_code == 422
    assert (await client.get(path, headers=desk)).json()["items"][0]["id"] == made.json()["id"]


async def test_response_times_and_the_yardstick(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    desk = await sign_in(scene.desk)
    start = clock.now()
    for seconds in (20, 40, 100):
        person = await identity.resident(scene.community, name="R")
        alarm = await alarms.raised(person)
        await alarms.raised(person, is_test=True)
        await alarms.climb()
        clock.advance(timedelta(seconds=seconds))
        answer = await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=desk)
        assert answer.status_code == 200
        await client.post(f"/v1/alarms/{alarm.id}/arrival", headers=desk)
    period = {"from": start.isoformat(), "to": (clock.now() + timedelta(days=1)).isoformat()}

    report = await client.get("/v1/reports/response-times", headers=desk, params=period)

    assert report.status_code == 200, report.text
    figures = report.json()
    assert (figures["alarms"], figures["raised_to_acknowledged"]["count"]) == (3, 3)
    assert figures["raised_to_acknowledged"]["p50"] == 40
    taken = figures["desk_queue_to_taken"]
    assert taken["within_60_seconds"] == pytest.approx(2 / 3)
    assert (taken["within_180_seconds"], taken["meets_yardstick"], taken["waiting"]) == (1, False, 0)
    relative = await sign_in(await identity.account(scene.community))
    assert (await client.get("/v1/reports/response-times", headers=relative, params=period)).status_code == 403
    backwards = {"from": period["to"], "to": period["from"]}
    assert (await client.get("/v1/reports/response-times", headers=desk, params=backwards)).status_code == 422
