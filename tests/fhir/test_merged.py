"""Lists of two packages' things: vital signs and laboratory values, video visits and encounters of the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from telemedicine.consultations.models import Consultation
from telemedicine.records.repository import of_origins
from telemedicine.records.service import encounters
from telemedicine.records.service.records import add_error
from tests.factories import eldercare_vitals, identity, sign_in
from tests.fhir.records import ENCOUNTER, HL7, OBSERVATION, Ward, code
from tests.fhir.valid import link, refused, resources, valid

LOINC = "http://loinc.org"
START = datetime(2026, 2, 20, tzinfo=UTC)


async def pages(ward: Ward, kind: str, **query: Any) -> list[str]:
    """Return the ids of a whole list, two at a time."""
    found: list[str] = []
    answer = await ward.get(kind, patient=ward.scene.resident.id, _count=2, **query)
    while True:
        bundle = valid(answer)
        page = [one["id"] for one in resources(bundle)]
        assert len(page) <= 2
        found += page
        following = link(bundle, "next")
        if following is None:
            return found
        assert len(page) == 2
        answer = await ward.client.get(following, headers=ward.system)


async def test_vital_signs_and_laboratory_values_are_one_list(ward: Ward, clock: ManualClock) -> None:
    expected: list[str] = []
    for day, kind in enumerate("vvlvllllvvvl"):
        at = START + timedelta(hours=day)
        if kind == "v":
            reading = await eldercare_vitals.reading(ward.scene.resident, 72, measured_at=at)
            expected.insert(0, str(reading))
        else:
            made = await ward.made(OBSERVATION, effectiveDateTime=at.isoformat())
            expected.insert(0, made["id"])
    assert await pages(ward, "Observation") == expected
    vitals = [one for place, one in enumerate(expected) if "vvlvllllvvvl"[::-1][place] == "v"]
    labs = [one for one in expected if one not in vitals]
    for query, some in (
        ({"category": "vital-signs"}, vitals),
        ({"category": "laboratory"}, labs),
        ({"category": "laboratory,vital-signs"}, expected),
        ({"category": "imaging"}, []),
        ({"category": "imaging,vital-signs"}, vitals),
        ({"code": "8867-4"}, vitals),
        ({"code": f"{LOINC}|4548-4"}, labs),
        ({"code": f"{LOINC}|4548-4,8867-4"}, expected),
        ({"code": f"{LOINC}|2-2"}, []),
        ({"status": "final"}, expected),
        ({"status": "amended"}, []),
        ({"status": "entered-in-error"}, []),
        ({"date": "ge2026-02-20T08:00:00Z"}, expected[:4]),
        ({"date": "lt2026-02-20T02:00:00Z"}, expected[-2:]),
        ({"_lastUpdated": "ge2026-03-02"}, expected),
        ({"_lastUpdated": "lt2026-02-01"}, []),
        ({"_sort": "-date"}, expected),
        ({"_sort": "date", "category": "laboratory"}, labs[::-1]),
    ):
        assert await pages(ward, "Observation", **query) == some, query
    whose = str(ward.scene.resident.id)
    assert refused(await ward.get("Observation", patient=whose, _sort="date"), 400)
    assert refused(await ward.get("Observation", patient=whose, code="4548-4"), 400)
    by_id = valid(await ward.get("Observation", _id=f"{labs[0]},{vitals[0]}"))
    assert {one["id"] for one in resources(by_id)} == {labs[0], vitals[0]}
    assert resources(valid(await ward.get("Observation", patient=whose, _id=vitals[0])))[0]["id"] == vitals[0]


async def test_a_vital_sign_has_the_version_it_has(ward: Ward) -> None:
    reading = await eldercare_vitals.reading(ward.scene.resident, 72)
    shown = valid(await ward.get(f"Observation/{reading}"))
    history = valid(await ward.get(f"Observation/{reading}/_history"))
    assert [entry["resource"] for entry in history["entry"]] == [shown]
    assert valid(await ward.get(f"Observation/{reading}/_history/1")) == shown
    assert refused(await ward.get(f"Observation/{reading}/_history/2"), 404)
    assert refused(await ward.put(shown), 422)[0]["expression"] == ["Observation"]


async def test_who_reads_one_of_both_is_told_that_one(ward: Ward) -> None:
    reading = await eldercare_vitals.reading(ward.scene.resident, 72)
    made = await ward.made(OBSERVATION)
    whose = str(ward.scene.resident.id)
    for scopes, expected in (
        (["vitals:read"], [str(reading)]),
        (["records:read"], [made["id"]]),
        (["vitals:read", "records:read"], [str(reading), made["id"]]),
    ):
        machine = await sign_in.client_headers(ward.scene.organization, ["profile:read", *scopes])
        assert set(await ward.found("Observation", machine)) == set(expected), scopes
    none = await sign_in.client_headers(ward.scene.organization, ["profile:read"])
    refused(await ward.get("Observation", none, patient=whose), 403)
    by_id = valid(await ward.get("Observation", none, _id=f"{reading},{made['id']}"))
    assert resources(by_id) == []
    only_vitals = await sign_in.client_headers(ward.scene.organization, ["profile:read", "vitals:read"])
    refused(await ward.get("Observation", only_vitals, patient=whose, category="laboratory"), 403)
    stranger = await sign_in.sign_in(await identity.account(ward.scene.place, name="Walter"))
    refused(await ward.get("Observation", stranger, patient=whose), 404)


async def test_a_visit_is_told_once(ward: Ward, clock: ManualClock) -> None:
    whose = str(ward.scene.resident.id)
    (visit,) = resources(valid(await ward.get("Encounter", patient=whose)))
    async with unit_of_work() as session:
        row = await session.get_one(Consultation, visit["id"])
        row.state, row.close_at = "ended", None
        row.started_at, row.ended_at = row.starts_at - timedelta(hours=1), row.starts_at - timedelta(minutes=40)
    async with unit_of_work() as session:
        await encounters.of_consultations(session, [row.id])
    entered = await ward.made(ENCOUNTER)
    assert await pages(ward, "Encounter") == [entered["id"], visit["id"]]
    for query, some in (
        ({"class": "VR"}, [visit["id"]]),
        ({"class": "HH,AMB"}, [entered["id"]]),
        ({"status": "finished"}, [entered["id"], visit["id"]]),
        ({"status": "planned,arrived,cancelled"}, []),
        ({"date": "lt2026-03-02"}, [entered["id"]]),
        ({"reason-code": "http://snomed.info/sct|185349003"}, [entered["id"]]),
        ({"service-provider": f"Organization/{ward.scene.organization.id}"}, [entered["id"], visit["id"]]),
        ({"_id": visit["id"]}, [visit["id"]]),
    ):
        assert await pages(ward, "Encounter", **query) == some, query
    by_id = valid(await ward.get("Encounter", _id=f"{visit['id']},{entered['id']}"))
    assert {one["id"] for one in resources(by_id)} == {visit["id"], entered["id"]}
    # Who may read no visits finds it in the record.
    machine = await sign_in.client_headers(ward.scene.organization, ["profile:read", "records:read"])
    first, held = resources(valid(await ward.get("Encounter", machine, patient=whose)))
    assert first["id"] == entered["id"]
    assert held["id"] != visit["id"]
    assert (held["class"]["code"], held["status"]) == ("VR", "finished")
    shown = valid(await ward.get(f"Encounter/{visit['id']}"))
    assert shown["meta"]["versionId"] == "2"
    assert valid(await ward.get(f"Encounter/{visit['id']}/_history/2")) == shown
    assert len(valid(await ward.get(f"Encounter/{visit['id']}/_history"))["entry"]) == 1
    refused(await ward.get(f"Encounter/{visit['id']}/_history/1"), 404)
    refused(await ward.put(shown), 403)
    assert valid(await ward.get(f"Encounter/{visit['id']}", ward.doctor)) == shown
    # What the record says was entered in error is not told as held by the room either.
    async with unit_of_work() as session:
        (record,) = await of_origins(session, [row.id])
        await add_error(session, record, system_actor(record.community_id), None)
    assert valid(await ward.get(f"Encounter/{visit['id']}", ward.doctor))["status"] == "entered-in-error"
    listed = {one["id"]: one["status"] for one in resources(valid(await ward.get("Encounter", patient=whose)))}
    assert listed == {entered["id"]: "finished", visit["id"]: "entered-in-error"}


async def test_vital_signs_are_brought_by_their_category(ward: Ward) -> None:
    as_vital = OBSERVATION | {"category": [code(f"{HL7}/observation-category", "vital-signs")]}
    issues = refused(await ward.post(ward.said(as_vital)), 422)
    assert issues[0]["expression"] == ["Observation.interpretation"]
    other_unit = {"value": 42, "system": "http://unitsofmeasure.org", "code": "mmol/mol"}
    issues = refused(await ward.post(ward.said(OBSERVATION, referenceRange=[{"high": other_unit}])), 422)
    assert issues[0]["expression"] == ["Observation.referenceRange[0].high.code"]
