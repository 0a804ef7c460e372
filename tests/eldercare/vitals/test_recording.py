"""Recording readings: by people, devices and clinics, in bulk, once each, and never with a bad one unnoticed."""

import asyncio
import json
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from app.core.clock import ManualClock
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories.eldercare_vitals import given
from tests.factories.sign_in import client_headers, device_headers, sign_in

pytestmark = pytest.mark.usefixtures("clock")

MINE = "/v1/me/vitals"


async def record(
    client: httpx.AsyncClient, headers: dict[str, str], readings: list[Any], mode: str = "atomic", path: str = MINE
) -> httpx.Response:
    return await client.post(path, headers=headers, json={"mode": mode, "readings": readings})


async def count() -> int:
    return int(await alarms.scalar("SELECT count(*) FROM eldercare_vital_reading"))


def many(clock: ManualClock, number: int = 1000) -> list[dict[str, Any]]:
    """Return readings a minute apart, the last of them now."""
    return [
        given(60 + place % 40, measured_at=(clock.now() - timedelta(minutes=number - 1 - place)).isoformat())
        for place in range(number)
    ]


async def test_a_reading_is_kept_in_the_canonical_unit_with_its_source(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    answer = await record(
        client,
        scene.as_resident,
        [given(101.3, "8310-5", "[degF]", device="thermo-1"), given("V", "67775-7", "{ACVPU}")],
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["stored"], body["duplicates"], body["refused"]) == (2, 0, [])

    listed = (await client.get(MINE, headers=scene.as_resident)).json()["items"]
    by_name = {reading["name"]: reading for reading in listed}
    warm = by_name["body_temperature"]
    assert (warm["id"], warm["value"], warm["unit"]) == (body["ids"][0], 38.5, "Cel")
    assert (warm["source_kind"], warm["source_id"]) == ("person", str(scene.resident.account_id))
    assert (warm["device"], warm["status"]) == ("thermo-1", "final")
    assert by_name["consciousness"]["value"] == "V"


async def test_devices_and_clinics_record_and_are_told_apart(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    phone = await device_headers(scene.resident)
    gateway = await client_headers(scene.clinic, ["vitals:write"])
    assert (await record(client, phone, [given(71)])).status_code == 201
    assert (await record(client, gateway, [given(72)], path=f"{scene.path}/vitals")).status_code == 201
    assert (await record(client, scene.as_clinician, [given(73)], path=f"{scene.path}/vitals")).status_code == 201

    listed = (await client.get(MINE, headers=scene.as_resident)).json()["items"]
    assert {(one["source_kind"], one["value"]) for one in listed} == {
        ("device", 71),
        ("organization", 72),
        ("person", 73),
    }
    # Who may only record does not read.
    assert (await client.get(MINE, headers=phone)).status_code == 403
    assert (await client.get(f"{scene.path}/vitals", headers=gateway)).status_code == 403


async def test_a_thousand_readings_are_kept_and_again_change_nothing(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    readings = many(clock)
    first = (await record(client, scene.as_resident, readings)).json()
    again = (await record(client, scene.as_resident, readings)).json()

    assert (first["stored"], first["duplicates"]) == (1000, 0)
    assert (again["stored"], again["duplicates"]) == (0, 1000)
    assert first["ids"] == again["ids"]
    assert len(set(first["ids"])) == 1000
    assert await count() == 1000


async def test_a_batch_that_is_partly_known_adds_the_rest(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    readings = many(clock, 10)
    await record(client, scene.as_resident, readings[:6])
    answer = (await record(client, scene.as_resident, readings)).json()
    assert (answer["stored"], answer["duplicates"]) == (4, 6)


async def test_the_same_device_is_known_whoever_brings_its_readings(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    reading = given(72, device="watch-9")
    first = (await record(client, scene.as_resident, [reading])).json()
    second = (await record(client, scene.as_clinician, [reading], path=f"{scene.path}/vitals")).json()
    assert (second["stored"], second["duplicates"], second["ids"]) == (0, 1, first["ids"])


async def test_one_bad_reading_of_a_thousand_keeps_an_atomic_batch_out(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    readings = many(clock)
    readings[617]["value"] = 900
    answer = await record(client, scene.as_resident, readings)
    assert (answer.status_code, answer.json()["code"]) == (422, "readings_refused")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/body/readings/617", "implausible")
    assert await count() == 0
    assert (await client.get(f"{MINE}/latest", headers=scene.as_resident)).json()["items"] == []


async def test_one_bad_reading_of_a_thousand_is_reported_and_the_others_are_kept(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    readings = many(clock)
    readings[617]["value"] = 900
    answer = await record(client, scene.as_resident, readings, "partial")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["stored"], body["duplicates"]) == (999, 0)
    (refused,) = body["refused"]
    assert (refused["index"], refused["code"]) == (617, "implausible")
    assert [place for place, identifier in enumerate(body["ids"]) if identifier is None] == [617]
    assert await count() == 999


now = partial(given, measured_at="2026-03-02T08:00:00Z")
BAD: list[tuple[Any, str]] = [
    (now(900), "implausible"),
    (now(72, unit="Cel"), "unit_mismatch"),
    (now(72, "0000-0"), "unknown_code"),
    (now("72"), "not_a_number"),
    (now(True), "malformed"),
    (now(None), "malformed"),  # type: ignore[arg-type]  # what a broken device sends
    (now([72]), "malformed"),  # type: ignore[arg-type]
    (now(72, device="a name with spaces"), "malformed"),
    (now(72, device="x" * 65), "malformed"),
    (now(72, measured_at="yesterday"), "malformed"),
    (now(72, measured_at="2026-03-02T08:00:00"), "malformed"),
    (now(72, measured_at="2026-03-02T08:03:00Z"), "in_the_future"),
    (now(72, measured_at="2400-03-02T08:03:00Z"), "in_the_future"),
    (now(72, measured_at="0001-01-01T00:00:00+14:00"), "too_old"),
    (now(72, measured_at="9999-12-31T23:59:59-12:00"), "in_the_future"),
    (now(72, measured_at="2010-03-02T08:03:00Z"), "too_old"),
    (now("X", "67775-7", "{ACVPU}"), "not_a_level"),
    ({"code": "8867-4", "value": 72, "unit": "/min"}, "malformed"),
    (now(72) | {"resident_id": "0194f8a0-0000-7000-8000-000000000001"}, "malformed"),
    (None, "malformed"),
    ("8867-4", "malformed"),
    ([], "malformed"),
    ({}, "malformed"),
    (now(72, code="8867-4" * 10), "malformed"),
    (now(10**400), "malformed"),
]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("bad", "reason"), BAD)
async def test_a_bad_reading_is_refused_by_its_place_wherever_it_stands(
    client: httpx.AsyncClient, clock: ManualClock, bad: Any, reason: str, place: int
) -> None:
    scene = await vitals.scene()
    readings: list[Any] = [given(61, measured_at="2026-03-02T07:00:00Z"), given(62, measured_at="2026-03-02T07:30:00Z")]
    readings.insert(place, bad)
    refused = await record(client, scene.as_resident, readings)
    assert refused.status_code == 422, refused.text
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(f"/body/readings/{place}", reason)]
    assert await count() == 0

    answer = await record(client, scene.as_resident, readings, "partial")
    assert answer.status_code == 201, answer.text
    assert [(one["index"], one["code"]) for one in answer.json()["refused"]] == [(place, reason)]
    assert answer.json()["stored"] == 2


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_what_is_no_number_is_refused(client: httpx.AsyncClient, clock: ManualClock, written: str) -> None:
    scene = await vitals.scene()
    body = json.dumps({"mode": "partial", "readings": [given(72), given(61, device="other")]})
    headers = scene.as_resident | {"Content-Type": "application/json"}
    answer = await client.post(MINE, headers=headers, content=body.replace("72", written, 1))
    assert answer.status_code == 201, answer.text
    (refused,) = answer.json()["refused"]
    assert (refused["index"], refused["code"]) == (0, "not_a_number")
    assert answer.json()["stored"] == 1


@pytest.mark.parametrize("mode", ["atomic", "partial"])
async def test_what_is_repeated_in_one_batch_is_stored_once(
    client: httpx.AsyncClient, clock: ManualClock, mode: str
) -> None:
    scene = await vitals.scene()
    answer = (await record(client, scene.as_resident, [given(72), given(72), given(72.04)], mode)).json()
    assert (answer["stored"], answer["duplicates"], answer["refused"]) == (1, 2, [])
    assert len(set(answer["ids"])) == 1
    assert await count() == 1


async def test_what_contradicts_itself_or_what_is_known_is_refused(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    itself = await record(client, scene.as_resident, [given(72), given(80)])
    assert (itself.status_code, itself.json()["errors"][0]["pointer"]) == (422, "/body/readings/1")
    assert await count() == 0

    await record(client, scene.as_resident, [given(72)])
    earlier = given(70, measured_at="2026-03-02T07:00:00Z")
    atomic = await record(client, scene.as_resident, [earlier, given(80)])
    assert (atomic.status_code, atomic.json()["code"]) == (409, "readings_contradict")
    assert atomic.json()["errors"][0]["pointer"] == "/body/readings/1"
    assert await count() == 1

    partial = (await record(client, scene.as_resident, [earlier, given(80)], "partial")).json()
    assert (partial["stored"], partial["duplicates"]) == (1, 0)
    assert [(one["index"], one["code"]) for one in partial["refused"]] == [(1, "contradicts")]
    assert partial["ids"][1] is None


@pytest.mark.parametrize(
    "body", [{"readings": []}, {"readings": [given()] * 1001}, {"mode": "some", "readings": []}, {}, []]
)
async def test_too_many_and_none_are_refused(client: httpx.AsyncClient, clock: ManualClock, body: Any) -> None:
    scene = await vitals.scene()
    answer = await client.post(MINE, headers=scene.as_resident, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert await count() == 0


async def test_nothing_is_recorded_for_somebody_one_does_not_look_after(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    other = await identity.resident(scene.community, name="Walter")
    relative = await identity.account(scene.community, name="Son")
    await identity.grant(scene.resident, relative, ["vitals:read"])
    reader = await sign_in(relative)

    foreign = await record(client, scene.as_resident, [given()], path=f"/v1/residents/{other.id}/vitals")
    assert foreign.status_code == 404
    assert (await record(client, reader, [given()], path=f"{scene.path}/vitals")).status_code == 403
    assert await count() == 0
    await identity.grant(scene.resident, relative, ["vitals:write"], kind="proxy")
    assert (await record(client, reader, [given()], path=f"{scene.path}/vitals")).status_code == 201


async def test_the_same_batch_sent_several_times_at_once_is_stored_once(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    readings = many(clock, 200)
    backwards = readings[::-1]
    answers = await asyncio.gather(
        *(record(client, scene.as_resident, batch) for batch in (readings, backwards, readings, backwards))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert sum(answer.json()["stored"] for answer in answers) == 200
    assert await count() == 200


async def test_months_long_past_and_the_turn_of_a_month_are_kept(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    instants = ["2019-05-05T05:05:05Z", "2026-02-28T23:59:59.999999Z", "2026-03-01T00:00:00Z", "2026-03-02T08:01:59Z"]
    readings = [given(60 + place, measured_at=at) for place, at in enumerate(instants)]
    assert (await record(client, scene.as_resident, readings)).json()["stored"] == 4
    assert (await record(client, scene.as_resident, readings)).json()["duplicates"] == 4
    listed = (await client.get(MINE, headers=scene.as_resident)).json()["items"]
    assert [one["measured_at"] for one in listed] == instants[::-1]


async def test_nothing_is_recorded_after_a_residence_has_ended(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    closing = {"reason": "moved_out", "date": "2026-03-01"}
    closed = await client.post(f"{scene.path}/closure", headers=scene.as_operator, json=closing)
    assert closed.status_code < 300, closed.text
    answer = await record(client, scene.as_clinician, [given()], path=f"{scene.path}/vitals")
    assert answer.status_code in (404, 409)
    assert await count() == 0


async def test_recording_is_put_on_record_without_values(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await record(client, scene.as_clinician, [given(141.5)], path=f"{scene.path}/vitals")
    entry = await alarms.scalar("SELECT actor_id FROM core_audit_entry WHERE action = 'vitals:record'")
    assert entry == scene.clinician.id
