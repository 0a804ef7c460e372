"""Who reads and writes health records over FHIR: for everybody of the access matrix what the REST API lets them."""

import uuid
from typing import Any, Final

import httpx

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.fhir.resources.records import TYPES
from app.identity.models import Resident
from telemedicine.api import HealthRecordPublic
from tests.architecture.access_world import ACTORS, World, open_world
from tests.factories import telemedicine_records as given
from tests.fhir.records import ALLERGY
from tests.fhir.valid import resources

ROOT: Final = "/fhir/R4"
ELSEWHERE: Final = "device"
"""Speaks no FHIR, whatever it may elsewhere."""


async def entered(world: World) -> list[HealthRecordPublic]:
    """Enter something of each kind that residents say of themselves, as the resident."""
    async with unit_of_work() as session:
        resident = await session.get_one(Resident, uuid.UUID(world.ids["residents"]))
    unproven = given.CONDITION | {"verification_status": "unconfirmed"}
    contents = (unproven, given.ALLERGY, given.OBSERVATION, given.IMMUNIZATION, given.COVERAGE)
    return [await given.health_record(resident, content) for content in contents]


async def test_whoever_reads_a_record_reads_it_here(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await open_world()
    records = await entered(world)
    rest = f"/v1/residents/{world.ids['residents']}/health-records"
    differing: dict[Any, Any] = {}
    for actor in ACTORS:
        headers = world.headers[actor]
        listed = await client.get(rest, headers=headers)
        for record in records:
            kind, path = TYPES[record.kind], f"{rest}/{record.id}"
            theirs = [(await client.get(f"{path}{part}", headers=headers)).status_code for part in ("", "/versions")]
            address = f"{ROOT}/{kind}/{record.id}"
            asked = (address, f"{address}/_history", f"{address}/_history/1")
            ours = [(await client.get(one, headers=headers)).status_code for one in asked]
            expected = [403] * 3 if actor == ELSEWHERE else [theirs[0], theirs[1], theirs[1]]
            if ours != expected:
                differing[actor, kind] = ours, expected
            # A search of what vital signs and visits are in, too, is not refused for the other's sake.
            search = f"{ROOT}/{kind}?patient={world.ids['residents']}"
            for query in (search, f"{search}&_id={record.id}", f"{ROOT}/{kind}?_id={record.id}"):
                answer = await client.get(query, headers=headers)
                shows = answer.is_success and str(record.id) in {one["id"] for one in resources(answer.json())}
                if shows != (listed.is_success and actor != ELSEWHERE):
                    differing[actor, query] = answer.text
        provenance = await client.get(f"{ROOT}/Provenance?patient={world.ids['residents']}", headers=headers)
        if provenance.is_success != (listed.is_success and actor != ELSEWHERE):
            differing[actor, "Provenance"] = provenance.text
    assert differing == {}


async def test_whoever_writes_a_record_writes_it_here(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await open_world()
    resident, rest = world.ids["residents"], f"/v1/residents/{world.ids['residents']}/health-records"
    sent = ALLERGY | {"patient": {"reference": f"Patient/{resident}"}}
    differing: dict[str, Any] = {}
    for actor in ACTORS:
        headers = world.headers[actor]
        theirs = await client.post(rest, json={"content": given.ALLERGY}, headers=headers)
        ours = await client.post(f"{ROOT}/AllergyIntolerance", json=sent, headers=headers)
        expected = 403 if actor == ELSEWHERE else theirs.status_code
        if ours.status_code != expected:
            differing[actor] = ours.text
        # What was entered by the one is corrected by whoever may.
        (record, *_) = await entered(world)
        path = f"{rest}/{record.id}"
        content = given.CONDITION | {"verification_status": "unconfirmed", "onset": "2018"}
        theirs = await client.put(path, json={"content": content}, headers=headers)
        known = await client.get(f"{ROOT}/Condition/{record.id}", headers=world.headers["resident"])
        document = known.json() | {"onsetDateTime": "2017"}
        ours = await client.put(f"{ROOT}/Condition/{record.id}", json=document, headers=headers)
        expected = 403 if actor == ELSEWHERE else theirs.status_code
        if ours.status_code != expected:
            differing[f"{actor} corrects"] = ours.text
    assert differing == {}
