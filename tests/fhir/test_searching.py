"""Searches: what they find, what they refuse, and that the CapabilityStatement says so."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.fhir.served import RESOURCES
from tests.factories import eldercare_vitals, fhir, identity, sign_in
from tests.factories.fhir import Scene
from tests.fhir.valid import link, refused, resources, valid

ROOT = "/fhir/R4"


async def found(client: httpx.AsyncClient, scene: Scene, query: str) -> list[str]:
    """Return the ids a search finds."""
    return [one["id"] for one in resources(valid(await client.get(f"{ROOT}/{query}", headers=scene.system)))]


async def test_the_statement_says_what_the_routes_do(client: httpx.AsyncClient, app: FastAPI) -> None:
    statement = valid(await client.get(f"{ROOT}/metadata"))
    assert statement["fhirVersion"] == "4.0.1"
    served = {
        (method, route.path) for route in app.routes if isinstance(route, APIRoute) for method in route.methods or ()
    }
    methods = {
        "history-instance": ("GET", "/{key}/_history"),
        "read": ("GET", "/{key}"),
        "search-type": ("GET", ""),
        "create": ("POST", ""),
        "update": ("PUT", "/{key}"),
        "patch": ("PATCH", "/{key}"),
        "vread": ("GET", "/{key}/_history/{version}"),
        "delete": ("DELETE", "/{key}"),
    }
    said = set()
    for resource in statement["rest"][0]["resource"]:
        for interaction in resource["interaction"]:
            method, rest = methods[interaction["code"]]
            said.add((method, f"{ROOT}/{resource['type']}{rest}"))
        said.add(("POST", f"{ROOT}/{resource['type']}/_search"))
        if resource["conditionalUpdate"]:
            said.add(("PUT", f"{ROOT}/{resource['type']}"))
        for operation in resource.get("operation", []):
            if operation["name"] == "everything":
                said |= {(method, f"{ROOT}/Patient/{{key}}/$everything") for method in ("GET", "POST")}
                continue
            said.add(("POST", f"{ROOT}/{resource['type']}/${operation['name']}"))
    assert {one["code"] for one in statement["rest"][0]["interaction"]} == {"batch", "transaction"}
    said |= {("POST", ROOT), ("POST", f"{ROOT}/"), ("GET", f"{ROOT}/Appointment/$find"), ("GET", f"{ROOT}/metadata")}
    bulk = {("GET", "Patient/$export"), ("GET", "Group/{key}/$export"), ("GET", "$export-file/{key}")}
    bulk |= {("GET", "$export-status/{key}"), ("DELETE", "$export-status/{key}"), ("POST", "Group/{key}/$export")}
    said = said - {("POST", f"{ROOT}/Group/$export")} | {(method, f"{ROOT}/{path}") for method, path in bulk}
    said |= {("POST", f"{ROOT}/Patient/$match")}  # which is refused
    said.add(("GET", f"{ROOT}/.well-known/smart-configuration"))
    assert {one for one in served if one[1].startswith(ROOT)} == said


async def test_every_parameter_of_the_statement_is_understood(client: httpx.AsyncClient, scene: Scene) -> None:
    headers = await sign_in.sign_in(scene.person)
    await fhir.book(client, scene)
    await fhir.happened(scene)
    for resource in RESOURCES:
        for parameter in resource.parameters:
            value = {"date": "ge2026-01-01", "token": "urn:x|x", "string": "x", "reference": str(scene.resident.id)}[
                parameter.kind
            ]
            if len(parameter.targets) > 1:
                value = f"{parameter.targets[0]}/{value}"
            answer = await client.get(
                f"{ROOT}/{resource.type}",
                params={parameter.name: value},
                headers=headers | {"Prefer": "handling=strict"},
            )
            assert (parameter.name, value) in httpx.URL(link(valid(answer), "self") or "").params.multi_items()


async def test_appointments_are_found_by_what_is_in_them(client: httpx.AsyncClient, scene: Scene) -> None:
    first, second = await fhir.book(client, scene), await fhir.book(client, scene, 1)
    one, two = first["id"], second["id"]
    for query, expected in (
        ("", [one, two]),
        ("_sort=-date", [two, one]),
        ("_sort=date", [one, two]),
        ("_sort=-date&_count=1", [two]),
        (f"patient={scene.resident.id}", [one, two]),
        (f"patient=Patient/{scene.resident.id}", [one, two]),
        (f"patient=http://127.0.0.1:8000/fhir/R4/Patient/{scene.resident.id}", [one, two]),
        (f"actor=Practitioner/{scene.doctor.id}&actor=Patient/{scene.resident.id}", [one, two]),
        (f"actor:Practitioner={scene.doctor.id}", [one, two]),
        (f"actor=Practitioner/{scene.resident.id}", []),
        ("actor=http://example.org/fhir/Patient/1", []),
        (f"practitioner={scene.doctor.id}&status=cancelled", []),
        ("status=booked,cancelled", [one, two]),
        ("status=http://hl7.org/fhir/appointmentstatus|booked", [one, two]),
        ("status=http://example.org|booked", []),
        (f"service-type=urn:hearthline:visit-type|{scene.service.id}", [one, two]),
        ("date=2026-03-03", [one, two]),
        ("date=2026-03-03T09:00", [one]),
        ("date=2026-03-03T01:00:00Z", [one]),
        ("date=gt2026-03-03T09:00:00%2B08:00", [two]),
        ("date=ge2026-03-03&date=lt2026-03-03T09:30", [one]),
        ("date=2026", [one, two]),
        ("date=lt2026-03", []),
        ("_lastUpdated=ge2026-03-02", [one, two]),
        ("_lastUpdated=gt2026-03-02", []),
        (f"_id={one}", [one]),
        (f"_id={one},{two}", [one, two]),
        ("_sort=-date,-_id", [two, one]),
        ("status:not=cancelled,pending", [one, two]),
        ("status:not=booked", []),
        ("location:missing=true&_count=1", [one]),
        ("location:missing=false", []),
        (f"patient={scene.resident.id},{scene.doctor.id}", [one, two]),
        ("patient.name=gra", [one, two]),
        ("patient:Patient.name=gra&patient.active=true&practitioner.name=x", []),
        ("patient.identifier=x", []),
        (f"patient.name=gra&patient={scene.doctor.id}", []),
        (f"patient.name=gra&actor=Practitioner/{scene.doctor.id}", [one, two]),
        ("actor:Patient.name=gra", [one, two]),
        ("patient.name=gra&patient=http://example.org/fhir/Patient/1", []),
        ("patient._has:Appointment:patient:status=booked", [one, two]),
        ("_id=x", []),
    ):
        assert await found(client, scene, f"Appointment?{query}") == expected, query


async def test_schedules_are_found_by_who_and_what(client: httpx.AsyncClient, scene: Scene) -> None:
    doctor, service, one = scene.doctor.id, scene.service.id, scene.schedule
    for query, expected in (
        (f"actor=Practitioner/{doctor}", [one]),
        (f"actor=PractitionerRole/{doctor}&actor=HealthcareService/{service}", [one]),
        (f"actor=HealthcareService/{doctor}", []),
        (f"actor=http://example.org/fhir/Practitioner/{doctor}", []),
        (f"service-type={service}&specialty=394802001", [one]),
        ("specialty=http://example.org|394802001", []),
        (f"_id={one}", [one]),
        ("_id=x", []),
    ):
        assert await found(client, scene, f"Schedule?{query}") == expected, query
    for query in ("status=busy", "specialty=1", f"service-type={doctor}", "schedule=x", "start=lt2026-03-03"):
        assert await found(client, scene, f"Slot?{query}") == [], query


async def test_readings_are_found_and_brought(client: httpx.AsyncClient, scene: Scene) -> None:
    await eldercare_vitals.reading(scene.resident, 72)
    reading = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "59408-5"}]},
        "subject": {"reference": f"Patient/{scene.resident.id}"},
        "effectiveDateTime": "2026-03-02T07:00:00Z",
        "valueQuantity": {"value": 97, "system": "http://unitsofmeasure.org", "code": "%"},
    }
    brought = valid(await client.post(f"{ROOT}/Observation", json=reading, headers=scene.system), 201)
    assert brought["code"]["coding"][0]["code"] == "2708-6"
    whose = f"Observation?patient={scene.resident.id}"
    assert len(await found(client, scene, whose)) == 2
    assert await found(client, scene, f"{whose}&code=http://loinc.org|59408-5") == [brought["id"]]
    assert await found(client, scene, f"{whose}&code=http://loinc.org|1-1") == []
    assert await found(client, scene, f"{whose}&date=2026-03-02T07:00:00Z&category=vital-signs") == [brought["id"]]
    for changes, expression in (
        ({"status": "preliminary"}, "Observation.status"),
        ({"note": [{"text": "after a walk"}]}, "Observation.note"),
        ({"effectiveDateTime": "2026-03-02"}, "Observation.effective"),
        ({"subject": {"reference": "Patient/x"}}, "Observation.subject.reference"),
        ({"code": {"coding": [{"system": "http://loinc.org", "code": "1-1"}]}}, "Observation.code"),
        ({"valueQuantity": {"value": 97, "unit": "%"}}, "Observation.valueQuantity"),
    ):
        answer = await client.post(f"{ROOT}/Observation", json=reading | changes, headers=scene.system)
        assert refused(answer, 422)[0]["expression"] == [expression]
    wrong = reading | {"valueQuantity": reading["valueQuantity"] | {"value": 970}}  # type: ignore[operator]
    assert refused(await client.post(f"{ROOT}/Observation", json=wrong, headers=scene.system), 422)


async def test_patients_are_those_one_may_see(client: httpx.AsyncClient, scene: Scene) -> None:
    other = await identity.resident(scene.place, name="Walter")
    mine = str(scene.resident.id)
    for query, expected in (
        ("", [mine]),
        ("name=gra", [mine]),
        ("name=rac", []),
        ("name:contains=RAC", [mine]),
        ("name:contains=%25", []),
        ("active=true", [mine]),
        ("active=false", []),
        (f"_id={mine},{other.id}", [mine]),
        (f"birthdate={scene.resident.birth_date}", [mine] if scene.resident.birth_date else []),
    ):
        assert await found(client, scene, f"Patient?{query}") == expected, query
    assert refused(await client.get(f"{ROOT}/Patient/{other.id}", headers=scene.system), 404)


@pytest.mark.parametrize(
    ("query", "status", "location"),
    [
        ("Appointment?date=soon", 400, "http.date"),
        ("Appointment?date=2026-02-30", 400, "http.date"),
        ("Appointment?date=9999", 400, "http.date"),
        ("Appointment?date=ge0001-01-01", 400, "http.date"),
        ("Appointment?date=ap2026", 400, "http.date"),
        ("Appointment?date=ge2027&date=lt2026", 400, "http.date"),
        ("Appointment?service-type:missing=true", 400, "http.service-type:missing"),
        ("Appointment?date:missing=x", 400, "http.date:missing"),
        ("Appointment?service-type:not=x", 400, "http.service-type:not"),
        ("Appointment?patient.colour=x", 400, "http.patient.colour"),
        ("Appointment?patient.birthdate=soon", 400, "http.patient.birthdate"),
        ("Appointment?patient.name:exact=x", 400, "http.patient.name:exact"),
        ("Appointment?patient._sort=name", 400, "http.patient._sort"),
        ("Appointment?actor.name=x", 400, "http.actor.name"),
        ("Appointment?patient:Practitioner.name=x", 400, "http.patient:Practitioner.name"),
        ("Appointment?date.name=x", 400, "http.date.name"),
        (
            "Slot?schedule.actor:PractitionerRole.organization.x.y=z",
            400,
            "http.schedule.actor:PractitionerRole.organization.x.y",
        ),
        ("Patient?_has:Appointment:patient:colour=x", 400, "http._has:Appointment:patient:colour"),
        ("Patient?_has:Appointment:location:date=2026", 400, "http._has:Appointment:location:date"),
        ("Patient?_has:Appointment=x", 400, "http._has:Appointment"),
        (
            "Appointment?patient.name=a&practitioner.name=b&location.name=c"
            + "".join(f"&actor:{kind}.name=d" for kind in ("Patient", "Practitioner", "Location")),
            400,
            "http._has",
        ),
        ("Patient?_has:Observation:patient:code=8867-4", 400, "http._has:Observation:patient:patient"),
        ("Appointment?patient=", 400, "http.patient"),
        ("Appointment?patient=a%20b", 400, "http.patient"),
        ("Appointment?patient=Device/1", 400, "http.patient"),
        ("Appointment?actor=x", 400, "http.actor"),
        ("Appointment?actor=Patient/1,Location/1", 400, "http.actor"),
        ("Appointment?status=booked&status=pending", 400, "http.status"),
        ("Appointment?_count=-1", 400, "http._count"),
        ("Patient/x?_summary=count", 400, "http._summary"),
        ("Appointment?_summary=long", 400, "http._summary"),
        ("Appointment?_total=all", 400, "http._total"),
        ("Appointment?_cursor=x", 422, "http.cursor"),
        ("Observation?code=8867-4", 400, "http.patient"),
    ],
)
async def test_what_cannot_be_searched_is_refused_by_name(
    client: httpx.AsyncClient, scene: Scene, query: str, status: int, location: str
) -> None:
    assert refused(await client.get(f"{ROOT}/{query}", headers=scene.system), status)[0]["location"] == [location]


async def test_what_is_not_known_is_ignored_aloud_or_refused(client: httpx.AsyncClient, scene: Scene) -> None:
    address = f"{ROOT}/Location?colour=red&_include=Location:ruler&_sort=name"
    bundle = valid(await client.get(address, headers=scene.system))
    assert link(bundle, "self") == "http://127.0.0.1:8000/fhir/R4/Location"
    (outcome,) = resources(bundle, "outcome")
    assert [issue["severity"] for issue in outcome["issue"]] == ["warning"] * 3
    strict = await client.get(address, headers=scene.system | {"Prefer": "handling=strict"})
    assert [issue["location"] for issue in refused(strict, 400)] == [["http.colour"], ["http._include"], ["http._sort"]]


async def test_includes_that_lead_in_circles_end(client: httpx.AsyncClient, scene: Scene) -> None:
    bundle = valid(
        await client.get(
            f"{ROOT}/Organization?_revinclude:iterate=PractitionerRole:organization"
            "&_include:iterate=PractitionerRole:organization&_include:iterate=PractitionerRole:practitioner"
            "&_revinclude:iterate=PractitionerRole:practitioner",
            headers=scene.system,
        )
    )
    kinds = sorted(one["resourceType"] for one in resources(bundle, "include"))
    assert kinds == ["Practitioner", "PractitionerRole"]


async def test_searches_can_be_posted(client: httpx.AsyncClient, scene: Scene) -> None:
    answer = await client.post(f"{ROOT}/Patient/_search", data={"_id": str(scene.resident.id)}, headers=scene.system)
    assert [one["id"] for one in resources(valid(answer))] == [str(scene.resident.id)]
    refused(await client.post(f"{ROOT}/Patient/_search", json={}, headers=scene.system), 415)


async def test_pages_of_schedules_and_the_directory_end(client: httpx.AsyncClient, scene: Scene) -> None:
    address: str | None = f"{ROOT}/Schedule?_count=1"
    pages = 0
    while address:
        bundle = valid(await client.get(address, headers=scene.system))
        pages += len(resources(bundle))
        address = link(bundle, "next")
    assert pages == 1


async def test_what_is_found_is_counted(client: httpx.AsyncClient, scene: Scene) -> None:
    for place in range(3):
        await fhir.book(client, scene, place)
    for query, total, count in (
        ("_summary=count", 3, 0),
        ("_count=0", 3, 0),
        ("_total=accurate&_count=2", 3, 2),
        ("_total=estimate", 3, 3),
        ("_total=none", None, 3),
        ("_total=accurate&status=cancelled", 0, 0),
        ("_summary=count&patient.name=nobody", 0, 0),
        ("_total=accurate&location:missing=true&_count=1", 3, 1),
        ("_summary=text&_total=accurate", 3, 3),
    ):
        bundle = valid(await client.get(f"{ROOT}/Appointment?{query}", headers=scene.system))
        assert (bundle.get("total"), len(resources(bundle))) == (total, count), query
    assert valid(await client.get(f"{ROOT}/Slot?_summary=count", headers=scene.system))["total"] > 100
    address: str | None = f"{ROOT}/Appointment?location:missing=true&_count=2"
    pages = []
    while address:
        bundle = valid(await client.get(address, headers=scene.system))
        pages.append(len(resources(bundle)))
        address = link(bundle, "next")
    assert pages == [2, 1]


async def test_searches_lead_along_references_and_back(client: httpx.AsyncClient, scene: Scene) -> None:
    booked = await fhir.book(client, scene)
    mine, doctor = str(scene.resident.id), str(scene.doctor.id)
    slots = len(await found(client, scene, f"Slot?schedule={scene.schedule}&_count=100"))
    for query, expected in (
        ("Patient?_has:Appointment:patient:status=booked", [mine]),
        ("Patient?_has:Appointment:patient:status=cancelled", []),
        (f"Patient?_has:Appointment:patient:practitioner={doctor}&name=gra", [mine]),
        (f"Practitioner?_has:Appointment:practitioner:_id={booked['id']}", [doctor]),
        ("Practitioner?_has:PractitionerRole:practitioner:specialty=394802001", [doctor]),
        ("PractitionerRole?practitioner.name=dr", [doctor]),
        ("PractitionerRole?practitioner.name=x", []),
        ("PractitionerRole?organization._has:Location:organization:name=x", []),
        ("PractitionerRole?practitioner._has:Appointment:practitioner:patient.name=gra", [doctor]),
        (f"Organization?_has:PractitionerRole:organization:practitioner={doctor}", [str(scene.organization.id)]),
        ("Schedule?actor:Practitioner.name=dr", [scene.schedule]),
    ):
        assert await found(client, scene, query) == expected, query
    for query in (
        f"Slot?schedule.actor=Practitioner/{doctor}",
        "Slot?schedule.actor:Practitioner.name=dr",
        f"Slot?schedule.actor:PractitionerRole.organization={scene.organization.id}",
    ):
        assert len(await found(client, scene, f"{query}&_count=100")) == slots, query
    assert await found(client, scene, "Slot?schedule.actor:Practitioner.name=x") == []
    watcher = await sign_in.client_headers(scene.organization, ["vitals:read"])
    for query in ("Appointment?patient.name=gra", "Patient?_has:Appointment:patient:status=booked"):
        answer = await client.get(f"{ROOT}/{query}", headers=watcher)
        assert not answer.is_success or not resources(valid(answer)), query
