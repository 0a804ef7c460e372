"""Limits that call people: set by clinicians, judged with the reading, once per crossing, and silent by default."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading as reading_door
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.models import Membership
from eldercare.alarms.models import EVIDENCE_CONTEXT
from eldercare.vitals.jobs import JOBS
from eldercare.vitals.repository import lock
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories.eldercare_vitals import Scene, given
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

LIMITS = {"code": "8867-4", "low": 50, "high": 120}


async def measure(client: httpx.AsyncClient, scene: Scene, *values: float, minutes: float = 1) -> list[str]:
    """Record readings a minute apart, one after the other."""
    ids = []
    for value in values:
        headers = await sign_in_resident(scene.resident)
        answer = await client.post("/v1/me/vitals", headers=headers, json={"readings": [given(value)]})
        assert answer.status_code == 201, answer.text
        ids += answer.json()["ids"]
        clock = clocks._clock
        assert isinstance(clock, ManualClock)
        clock.advance(timedelta(minutes=minutes))
    return ids


async def set_limits(client: httpx.AsyncClient, scene: Scene, **values: Any) -> dict[str, Any]:
    headers = await sign_in(scene.clinician)
    answer = await client.post(f"{scene.path}/vital-thresholds", headers=headers, json=LIMITS | values)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def signals() -> list[dict[str, Any]]:
    """Return what alarms were raised for, the evidence opened."""
    statement = sa.text(
        "SELECT s.kind, s.severity, s.origin_kind, s.origin_id, s.evidence, s.alarm_id, a.state"
        " FROM eldercare_alarm_signal s JOIN eldercare_alarm a ON a.id = s.alarm_id ORDER BY s.id"
    )
    async with reading_door() as connection:
        rows = (await connection.execute(statement)).mappings().all()
    return [{**row, "evidence": orjson.loads(unseal(row["evidence"], EVIDENCE_CONTEXT))} for row in rows]


async def test_a_reading_outside_of_the_limits_raises_an_alarm_with_ids_as_evidence(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    limits = await set_limits(client, scene, severity="high")
    await measure(client, scene, 72)
    assert await signals() == []
    (outside,) = await measure(client, scene, 131)
    (signal,) = await signals()
    assert (signal["kind"], signal["severity"], signal["state"]) == ("vital_sign", 3, "raised")
    assert (signal["origin_kind"], str(signal["origin_id"])) == ("vital_threshold", limits["id"])
    assert signal["evidence"] == {"threshold_id": limits["id"], "reading_ids": [outside]}


async def test_what_a_locked_screen_shows_says_nothing_of_readings(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    await measure(client, scene, 131)
    assert await alarms.climb() > 0
    async with reading_door() as connection:
        told = (
            await connection.execute(sa.text("SELECT notice_key, variables, data FROM notifications_delivery"))
        ).all()
    assert told
    assert {row.notice_key for row in told} == {"eldercare.alarm_step"}
    assert {name for row in told for name in row.variables} <= {"resident", "mode", "raised_at", "code"}
    assert {name for row in told for name in row.data} <= {"alarm_id", "resident_id"}
    assert "131" not in "".join(str(row.data) for row in told)


async def test_a_value_that_stays_outside_calls_once_and_again_after_hours(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    await measure(client, scene, 131, 132, 133)
    assert len(await signals()) == 1
    clock.advance(timedelta(hours=4))
    await measure(client, scene, 134)
    found = await signals()
    assert len(found) == 2
    assert len({signal["alarm_id"] for signal in found}) == 1  # it joins the open alarm


async def test_only_readings_well_inside_end_an_alert(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene, hysteresis=10)
    await measure(client, scene, 121, 119, 121, 118, 122)
    assert len(await signals()) == 1
    await measure(client, scene, 110, 121)
    assert len(await signals()) == 2


async def test_an_outlier_calls_nobody_where_two_of_three_must_agree(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene, needed=2, looked_at=3)
    await measure(client, scene, 131, 72, 73, 132, 74, 75)
    assert await signals() == []
    first, second = await measure(client, scene, 133, 134)
    assert [signal["evidence"]["reading_ids"] for signal in await signals()] == [[second, first]]


async def test_a_batch_is_judged_by_its_latest_readings(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    recovered = [
        given(value, measured_at=(clock.now() - timedelta(minutes=9 - place)).isoformat())
        for place, value in enumerate([72, 140, 141, 142, 80, 79])
    ]
    await client.post("/v1/me/vitals", headers=scene.as_resident, json={"readings": recovered})
    assert await signals() == []
    await measure(client, scene, 140)
    assert len(await signals()) == 1


async def test_what_comes_late_says_nothing_of_now(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene, fresh_for="PT1H")
    await measure(client, scene, 72)
    late = [
        given(140, measured_at=(clock.now() - timedelta(minutes=30)).isoformat()),  # before the latest
        given(150, "8480-6", "mm[Hg]"),  # of a code without limits
    ]
    await client.post("/v1/me/vitals", headers=scene.as_resident, json={"readings": late})
    assert await signals() == []
    clock.advance(timedelta(hours=8))
    old = given(140, measured_at=(clock.now() - timedelta(hours=2)).isoformat())
    headers = await sign_in_resident(scene.resident)
    await client.post("/v1/me/vitals", headers=headers, json={"readings": [old]})
    assert await signals() == []


async def test_without_a_responsible_clinician_nobody_is_called(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene(responsible=False)
    await set_limits(client, scene)
    await measure(client, scene, 140)
    assert await signals() == []

    headers = await sign_in(scene.operator)
    stranger = await identity.staff(await identity.organization(scene.community, "care_agency"), "carer")
    naming = {"account_id": str(stranger.id), "organization_id": str(scene.clinic.id)}
    refused = await client.post("/v1/responsible-clinicians", headers=headers, json=naming)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_a_clinician")
    naming["account_id"] = str(scene.clinician.id)
    named = await client.post("/v1/responsible-clinicians", headers=headers, json=naming)
    assert named.status_code == 201, named.text
    assert named.json()["is_in_force"] is True
    await measure(client, scene, 141)
    assert len(await signals()) == 1

    ended = await client.delete(
        f"/v1/responsible-clinicians/{named.json()['id']}", headers=await sign_in(scene.operator)
    )
    assert ended.status_code == 204
    await measure(client, scene, 30)
    assert len(await signals()) == 1


async def name(client: httpx.AsyncClient, scene: Scene) -> None:
    naming = {"account_id": str(scene.clinician.id), "organization_id": str(scene.clinic.id)}
    headers = await sign_in(scene.operator)
    answer = await client.post("/v1/responsible-clinicians", headers=headers, json=naming)
    assert answer.status_code == 201, answer.text


async def test_who_is_outside_already_when_somebody_becomes_responsible_is_called_for_once(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene(responsible=False)
    outside, fallen, stale, inside, gone = [scene.resident] + [
        await identity.resident(scene.community, name=name) for name in ("Walter", "Rosa", "Ida", "Otto")
    ]
    for resident in (outside, fallen, stale, inside, gone):
        await vitals.threshold(resident, needed=2, looked_at=3, fresh_for=timedelta(hours=1))
    for minutes in (3, 2, 1):
        at = clock.now() - timedelta(minutes=minutes)
        for resident, value in ((outside, 140), (fallen, 141), (inside, 72), (gone, 142)):
            await vitals.reading(resident, value, measured_at=at)
        await vitals.reading(stale, 143, measured_at=at - timedelta(hours=1))
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE identity_resident SET state = 'deceased' WHERE id = :id"), {"id": gone.id}
        )
    alarm = await alarms.raised(fallen, evidence={"check_in_id": "any"})
    await settle(JOBS)
    assert [one["kind"] for one in await signals()] == ["check_in_missed"]  # nobody is responsible yet

    await name(client, scene)
    assert await settle(JOBS) == 4  # not the one whose readings are old
    await name(client, scene)
    await settle(JOBS)

    found = [one for one in await signals() if one["kind"] == "vital_sign"]
    assert len(found) == 2
    assert [one["alarm_id"] for one in found].count(alarm.id) == 1  # it joins what is open
    assert all(len(one["evidence"]["reading_ids"]) == 3 for one in found)
    # The next reading finds what was judged: nobody is called again within four hours.
    await measure(client, scene, 144)
    assert len([one for one in await signals() if one["kind"] == "vital_sign"]) == 2


async def test_what_is_written_at_the_same_moment_is_not_waited_for_but_judged_after_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene(responsible=False)
    await vitals.threshold(scene.resident)
    await vitals.reading(scene.resident, 140)
    await name(client, scene)
    async with unit_of_work() as session:
        await lock(session, scene.resident.id)
        assert await settle(JOBS) == 1
    assert await signals() == []
    clock.advance(timedelta(seconds=2))
    assert await settle(JOBS) == 1
    assert len(await signals()) == 1


async def test_a_responsible_clinician_who_left_is_none(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    async with unit_of_work() as session:
        await session.execute(
            sa.update(Membership)
            .where(table_of(Membership).c.account_id == scene.clinician.id)
            .values(ended_at=clock.now())
        )
    await measure(client, scene, 140)
    assert await signals() == []
    listed = (await client.get("/v1/responsible-clinicians", headers=await sign_in(scene.operator))).json()["items"]
    assert [(one["ended_at"], one["is_in_force"]) for one in listed] == [(None, False)]


async def test_there_is_one_responsible_clinician_and_the_ones_before_are_known(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    other = await identity.staff(scene.clinic, "clinician", name="Deputy")
    naming = {"account_id": str(other.id), "organization_id": str(scene.clinic.id)}
    headers = await sign_in(scene.operator)
    assert (await client.post("/v1/responsible-clinicians", headers=headers, json=naming)).status_code == 201
    page = (await client.get("/v1/responsible-clinicians?limit=1", headers=headers)).json()
    assert [one["account_id"] for one in page["items"]] == [str(other.id)]
    rest = (await client.get(f"/v1/responsible-clinicians?cursor={page['next']}", headers=headers)).json()
    assert [(one["account_id"], one["is_in_force"]) for one in rest["items"]] == [(str(scene.clinician.id), False)]

    elsewhere = await identity.operator(await identity.community(name="Hillside"))
    theirs = await sign_in(elsewhere)
    assert (await client.post("/v1/responsible-clinicians", headers=theirs, json=naming)).status_code == 409
    assert (await client.get("/v1/responsible-clinicians", headers=theirs)).json()["items"] == []
    ending = f"/v1/responsible-clinicians/{page['items'][0]['id']}"
    assert (await client.delete(ending, headers=theirs)).status_code == 404


async def test_limits_are_versions_and_a_new_one_is_judged_at_once(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    first = await set_limits(client, scene)
    await measure(client, scene, 110)
    assert await signals() == []
    second = await set_limits(client, scene, high=100)
    assert (first["number"], second["number"]) == (1, 2)
    (signal,) = await signals()
    assert str(signal["origin_id"]) == second["id"]
    third = await set_limits(client, scene, high=90)
    assert [str(one["origin_id"]) for one in await signals()] == [second["id"], third["id"]]
    await set_limits(client, scene, high=115)
    (latest,) = (await client.get(f"{scene.path}/vitals/latest", headers=await sign_in(scene.clinician))).json()[
        "items"
    ]
    assert latest["status"] == "within"
    second = await set_limits(client, scene, high=100)

    headers = await sign_in_resident(scene.resident)
    listed = (await client.get("/v1/me/vital-thresholds", headers=headers)).json()["items"]
    assert [(one["number"], one["high"], one["ended_at"] is None) for one in listed] == [
        (5, 100, True),
        (4, 115, False),
        (3, 90, False),
        (2, 100, False),
        (1, 120, False),
    ]
    assert listed[1]["ended_by"] == str(scene.clinician.id)
    before = len(await signals())

    path = f"{scene.path}/vital-thresholds/{second['id']}"
    for _ in range(2):
        assert (await client.delete(path, headers=await sign_in(scene.clinician))).status_code == 204
    await measure(client, scene, 140)
    assert len(await signals()) == before


@pytest.mark.parametrize(
    "values",
    [
        {"low": None, "high": None},
        {"low": 100, "high": 90},
        {"high": 900},
        {"code": "67775-7"},
        {"code": "0000-0"},
        {"needed": 3, "looked_at": 2},
        {"looked_at": 11},
        {"hysteresis": -1},
        {"low": None, "hysteresis": 106},  # back only below 14, which no heart does
        {"high": None, "hysteresis": 251},
        {"fresh_for": "P60D"},
        {"fresh_for": "PT1S"},
        {"severity": "worst"},
        {"unknown": 1},
    ],
)
async def test_limits_that_make_no_sense_are_refused(
    client: httpx.AsyncClient, clock: ManualClock, values: dict[str, Any]
) -> None:
    scene = await vitals.scene()
    answer = await client.post(f"{scene.path}/vital-thresholds", headers=scene.as_clinician, json=LIMITS | values)
    assert answer.status_code == 422, answer.text


async def test_only_a_clinician_who_looks_after_the_resident_sets_limits_and_reads_scores(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    limits = await vitals.threshold(scene.resident)
    unserving = await identity.organization(scene.community, "clinic")
    outsider = await identity.staff(unserving, "clinician")
    relative = await identity.account(scene.community, name="Daughter")
    await identity.grant(scene.resident, relative, ["vitals:read", "vitals:write"], kind="proxy")
    doctor_and_daughter = await identity.staff(unserving, "clinician")
    await identity.grant(scene.resident, doctor_and_daughter, ["vitals:read", "vitals:write"])
    agency = await identity.organization(scene.community, "care_agency")
    await identity.agreement(agency)
    carer = await identity.staff(agency, "carer")
    for headers, status in (
        (scene.as_resident, 403),
        (scene.as_operator, 403),
        (await sign_in(relative), 403),
        (await sign_in(doctor_and_daughter), 403),
        (await sign_in(carer), 403),
        (await sign_in(outsider), 404),
    ):
        answers = [
            await client.post(f"{scene.path}/vital-thresholds", headers=headers, json=LIMITS),
            await client.delete(f"{scene.path}/vital-thresholds/{limits.id}", headers=headers),
            await client.get(f"{scene.path}/early-warning-score", headers=headers),
            await client.post(f"{scene.path}/oxygen-scales", headers=headers, json={"scale": 2}),
        ]
        assert [answer.status_code for answer in answers] == [status] * 4


async def test_a_wrong_reading_no_longer_counts(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    await measure(client, scene, 72)
    (wrong,) = await measure(client, scene, 140)
    assert len(await signals()) == 1
    headers = await sign_in_resident(scene.resident)
    await client.post(f"/v1/me/vitals/{wrong}/correction", headers=headers, json={"reason": "loose strap"})
    (latest,) = (await client.get("/v1/me/vitals/latest", headers=headers)).json()["items"]
    assert latest["status"] == "within"
    await measure(client, scene, 141)
    assert len(await signals()) == 2


async def correct(client: httpx.AsyncClient, scene: Scene, wrong: str, **more: Any) -> None:
    headers = await sign_in_resident(scene.resident)
    body = {"reason": "loose strap", **more}
    answer = await client.post(f"/v1/me/vitals/{wrong}/correction", headers=headers, json=body)
    assert answer.status_code == 201, answer.text


async def test_after_a_wrong_reading_without_fresh_ones_the_next_real_one_calls(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene, fresh_for="PT24H")
    await measure(client, scene, 72)
    clock.advance(timedelta(hours=25))
    (wrong,) = await measure(client, scene, 140)
    await correct(client, scene, wrong)
    await measure(client, scene, 141)
    assert len(await signals()) == 2


async def test_after_a_wrong_reading_one_that_was_inside_all_along_is_inside(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene, hysteresis=10)
    await measure(client, scene, 118)  # inside, but not far enough to end an alert
    (wrong,) = await measure(client, scene, 140)
    await correct(client, scene, wrong)
    headers = await sign_in_resident(scene.resident)
    (latest,) = (await client.get("/v1/me/vitals/latest", headers=headers)).json()["items"]
    assert latest["status"] == "within"
    await measure(client, scene, 141)
    assert len(await signals()) == 2


async def test_a_wrong_reading_among_others_that_stay_outside_calls_nobody_again(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    _, wrong = await measure(client, scene, 140, 190)
    await correct(client, scene, wrong)
    await measure(client, scene, 142)
    assert len(await signals()) == 1


async def test_correcting_a_reading_of_somebody_who_is_no_longer_here_calls_nobody(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    (wrong,) = await measure(client, scene, 72)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE identity_resident SET state = 'deceased'"))
    answer = await client.post(
        f"{scene.path}/vitals/{wrong}/correction",
        headers=await sign_in(scene.clinician),
        json={"reason": "misread", "replacement": {"value": 172, "unit": "/min"}},
    )
    assert answer.status_code == 201, answer.text
    assert await signals() == []


async def test_readings_that_come_at_once_call_once(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await set_limits(client, scene)
    headers = await sign_in_resident(scene.resident)
    bodies = [{"readings": [given(140, device=f"watch-{number}")]} for number in range(6)]
    answers = await asyncio.gather(*(client.post("/v1/me/vitals", headers=headers, json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {201}
    assert len(await signals()) == 1


async def test_an_early_warning_score_is_of_a_whole_recent_set(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    whole = [
        given(22, "9279-1", "/min"),
        given(89, "2708-6", "%"),
        given(2, "3151-8", "L/min"),
        given(112, "8480-6", "mm[Hg]"),
        given(95),
        given("A", "67775-7", "{ACVPU}"),
    ]
    path = f"{scene.path}/early-warning-score"
    empty = (await client.get(path, headers=scene.as_clinician)).json()
    assert (empty["status"], empty["total"], len(empty["missing"])) == ("incomplete", None, 7)

    await client.post("/v1/me/vitals", headers=scene.as_resident, json={"readings": whole})
    partial = (await client.get(path, headers=scene.as_clinician)).json()
    assert (partial["status"], partial["risk"]) == ("incomplete", None)
    assert [(one["name"], one["fault"]) for one in partial["missing"]] == [("body_temperature", "missing")]

    warm = {"readings": [given(100.8, "8310-5", "[degF]")]}
    await client.post("/v1/me/vitals", headers=scene.as_resident, json=warm)
    found = (await client.get(path, headers=scene.as_clinician)).json()
    # Respiration 2, saturation on scale 1: 3, oxygen 2, pulse 1, temperature 38.22: 1.
    assert (found["status"], found["scale"], found["total"], found["risk"]) == ("complete", 1, 9, "high")
    assert found["response"] == "emergency_assessment"
    assert {one["name"]: one["points"] for one in found["parameters"]}["oxygen_saturation"] == 3
    assert found["not_for"] == ["under_16", "pregnancy"]

    decided = await client.post(f"{scene.path}/oxygen-scales", headers=scene.as_clinician, json={"scale": 2})
    assert decided.status_code == 201, decided.text
    other = (await client.get(path, headers=scene.as_clinician)).json()
    assert (other["scale"], other["total"], other["risk"]) == (2, 6, "medium")

    clock.advance(timedelta(hours=12, seconds=1))
    stale = (await client.get(path, headers=await sign_in(scene.clinician))).json()
    assert (stale["status"], stale["total"], stale["parameters"]) == ("incomplete", None, [])
    assert {one["fault"] for one in stale["missing"]} == {"stale"}
