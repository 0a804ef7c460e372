"""All that is known of a patient: every kind once, whatever the pages; narrowed; and what is left out is said."""

from typing import Any, Final

import httpx

from app.core.clock import ManualClock
from app.fhir.everything import DEFINITION
from app.fhir.served import RESOURCES
from tests.factories import fhir, identity, sign_in
from tests.factories.fhir import Scene
from tests.fhir.things import THINGS
from tests.fhir.valid import link, refused, resources, valid

ROOT: Final = "/fhir/R4"


async def pages(client: httpx.AsyncClient, headers: dict[str, str], address: str | None) -> list[list[dict[str, Any]]]:
    """Return what each page has of the patient's own."""
    found = []
    while address:
        bundle = valid(await client.get(address, headers=headers))
        found.append(resources(bundle))
        address = link(bundle, "next")
    return found


def names(page: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what is on a page."""
    return [(one["resourceType"], one["id"]) for one in page]


async def test_everything_is_told_once_whatever_the_pages(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    for place in range(3):
        await fhir.book(client, scene, place)
    await fhir.happened(scene)
    headers = await sign_in.sign_in(scene.person)
    address = f"{ROOT}/Patient/{scene.resident.id}/$everything"
    (whole,) = await pages(client, headers, f"{address}?_count=100")
    expected = {"Patient", *(resource.type for resource in RESOURCES if resource.compartment)}
    assert {one["resourceType"] for one in whole} <= expected
    assert {"Patient", "Appointment", "Encounter", "Observation"} <= {one["resourceType"] for one in whole}
    for count in (1, 4, 5):
        parts = await pages(client, headers, f"{address}?_count={count}")
        assert [name for page in parts for name in names(page)] == names(whole)
        assert {len(page) for page in parts[:-1]} == {count}
    # Each kind is what its own search finds.
    for kind in {one["resourceType"] for one in whole} - {"Patient"}:
        search = await pages(client, headers, f"{ROOT}/{kind}?patient={scene.resident.id}&_count=100")
        assert names(search[0]) == [name for name in names(whole) if name[0] == kind]
    bundle = valid(await client.get(f"{address}?_type=Appointment", headers=headers))
    assert {one["resourceType"] for one in resources(bundle, "include")} == {"Practitioner", "HealthcareService"}


async def test_everything_is_narrowed(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    first = await fhir.book(client, scene)
    second = await fhir.book(client, scene, 1)
    await fhir.happened(scene)
    headers = await sign_in.sign_in(scene.person)
    address = f"{ROOT}/Patient/{scene.resident.id}/$everything"

    async def found(query: str) -> list[tuple[str, str]]:
        return [name for page in await pages(client, headers, f"{address}?{query}") for name in names(page)]

    one, two, patient = ("Appointment", first["id"]), ("Appointment", second["id"]), ("Patient", str(scene.resident.id))
    (before, *_) = of_all = await found("_type=Appointment")
    assert of_all == [before, one, two]
    assert await found("_type=Patient,Appointment") == [patient, *of_all]
    assert await found("_type=Appointment&_type=Patient&_count=1") == [patient, *of_all]
    assert await found("_type=Practitioner") == []
    assert await found("_type=Appointment&start=2026-03-03T09:10") == [two]
    assert await found("_type=Appointment&start=2026-03-03&end=2026-03-03T09:10") == [one]
    assert await found("_type=Appointment&end=2026-03-02") == [before]
    assert await found("_type=Appointment&end=2026-03-01") == []
    assert await found("_type=Patient,Appointment&_since=2026-03-02") == [patient, *of_all]
    assert await found("_type=Patient,Appointment&_since=2026-03-03") == []
    posted = {
        "resourceType": "Parameters",
        "parameter": [{"name": "_type", "valueString": "Appointment"}, {"name": "start", "valueDate": "2026-03-04"}],
    }
    assert not resources(valid(await client.post(address, json=posted, headers=headers)))
    assert resources(valid(await client.post(f"{address}?_type=Patient", headers=headers)))
    for query, location in (
        ("start=soon", "http.start"),
        ("start=2026-03-03&end=2026-03-01", "http.end"),
        ("_type=Medication", "http._type"),
        ("_count=0", "http._count"),
        ("_cursor=x", "http.cursor"),
    ):
        answer = await client.get(f"{address}?{query}", headers=headers)
        assert refused(answer, answer.status_code)[0]["location"] == [location]
    bundle = valid(await client.get(f"{address}?_type=Patient&colour=red", headers=headers))
    (outcome,) = resources(bundle, "outcome")
    assert outcome["issue"][0]["location"] == ["http.colour"]
    strict = await client.get(f"{address}?colour=red", headers=headers | {"Prefer": "handling=strict"})
    assert refused(strict, 400)[0]["location"] == ["http.colour"]


async def test_what_may_not_be_seen_is_left_out_and_said(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    await fhir.book(client, scene)
    await fhir.happened(scene)
    address = f"{ROOT}/Patient/{scene.resident.id}/$everything"
    reader = await sign_in.client_headers(scene.organization, ["profile:read"])
    bundle = valid(await client.get(f"{address}?_count=1", headers=reader))
    assert names(resources(bundle)) == [("Patient", str(scene.resident.id))]
    bundle = valid(await client.get(link(bundle, "next") or "", headers=reader))
    (outcome,) = resources(bundle, "outcome")
    assert {issue["code"] for issue in outcome["issue"]} == {"suppressed"}
    told = {issue["details"]["text"].partition(":")[0] for issue in outcome["issue"]}
    # Of claims and referrals it is not told either whether there are any.
    assert told == {one.type for one in RESOURCES if one.compartment and not THINGS[one.type].hidden}
    watcher = await sign_in.client_headers(scene.organization, ["vitals:read"])
    bundle = valid(await client.get(f"{address}?_type=Patient,Observation", headers=watcher))
    assert {one["resourceType"] for one in resources(bundle)} == {"Observation"}
    (outcome,) = resources(bundle, "outcome")
    assert [issue["details"]["text"][:8] for issue in outcome["issue"]] == ["Patient:"]
    other = await identity.resident(scene.place, name="Walter")
    for key in (str(other.id), "x"):
        refused(await client.get(f"{ROOT}/Patient/{key}/$everything", headers=reader), 404)
    statement = (await client.get(f"{ROOT}/metadata")).json()["rest"][0]["resource"]
    (patient,) = (one for one in statement if one["type"] == "Patient")
    assert {"name": "everything", "definition": DEFINITION} in patient["operation"]
