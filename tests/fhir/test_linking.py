"""A clinic's own patient numbers in FHIR: linked by a code, shown to that clinic alone, and found by."""

from typing import Any

import httpx

from app.core.clock import ManualClock
from tests.factories import identity, sign_in
from tests.factories.fhir import SCOPES, Scene
from tests.fhir.valid import refused, resources, valid

ROOT = "/fhir/R4"
SYSTEM = "https://lake-clinic.example/patients"
Json = dict[str, Any]


async def code(client: httpx.AsyncClient, of: Scene) -> str:
    answer = await client.post("/v1/me/link-codes", headers=await sign_in.sign_in(of.person))
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["code"]
    return found


async def link(client: httpx.AsyncClient, headers: dict[str, str], said: str, value: str = "P-1") -> httpx.Response:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "identifier", "valueIdentifier": {"system": SYSTEM, "value": value}},
            {"name": "code", "valueString": said},
        ],
    }
    return await client.post(f"{ROOT}/Patient/$hearthline-link", json=body, headers=headers)


async def numbers(client: httpx.AsyncClient, of: Scene, headers: dict[str, str]) -> list[tuple[str, str]]:
    patient = valid(await client.get(f"{ROOT}/Patient/{of.resident.id}", headers=headers))
    return [(one["system"], one["value"]) for one in patient.get("identifier", [])]


async def test_a_number_is_linked_shown_and_found_by(client: httpx.AsyncClient, scene: Scene) -> None:
    before = valid(await client.get(f"{ROOT}/Patient/{scene.resident.id}", headers=scene.system))
    made = valid(await link(client, scene.system, await code(client, scene)))
    assert made["parameter"][0]["valueReference"] == {"reference": f"Patient/{scene.resident.id}"}
    assert await numbers(client, scene, scene.system) == [(SYSTEM, "P-1")]
    for wanted in (f"{SYSTEM}|P-1", "P-1", f"urn:other|1,{SYSTEM}|P-1"):
        found = valid(await client.get(f"{ROOT}/Patient", params={"identifier": wanted}, headers=scene.system))
        assert [one["id"] for one in resources(found)] == [str(scene.resident.id)], wanted
    for wanted in (f"{SYSTEM}|P-2", "urn:other|P-1", f"{SYSTEM}|p-1", "|P-1"):
        found = valid(await client.get(f"{ROOT}/Patient", params={"identifier": wanted}, headers=scene.system))
        assert resources(found) == [], wanted
    after = valid(await client.get(f"{ROOT}/Patient/{scene.resident.id}", headers=scene.system))
    assert after["meta"]["versionId"] != before["meta"]["versionId"]
    assert "identifier" not in valid(
        await client.get(f"{ROOT}/Patient/{scene.resident.id}", headers=await sign_in.sign_in(scene.person))
    )


async def test_another_clinic_sees_and_finds_nothing_of_it(client: httpx.AsyncClient, scene: Scene) -> None:
    await link(client, scene.system, await code(client, scene))
    other = await identity.organization(scene.place, "clinic", name="Hill Clinic")
    await identity.agreement(other, None, scene.resident)
    theirs = await sign_in.client_headers(other, SCOPES)
    assert await numbers(client, scene, theirs) == []
    found = valid(await client.get(f"{ROOT}/Patient", params={"identifier": f"{SYSTEM}|P-1"}, headers=theirs))
    assert resources(found) == []
    # The same number of theirs is another one.
    valid(await link(client, theirs, await code(client, scene)))
    assert await numbers(client, scene, theirs) == [(SYSTEM, "P-1")]


async def test_what_is_wrong_with_a_link_is_told_by_its_place(client: httpx.AsyncClient, scene: Scene) -> None:
    address = f"{ROOT}/Patient/$hearthline-link"
    identifier = {"name": "identifier", "valueIdentifier": {"system": SYSTEM, "value": "P-1"}}
    said = {"name": "code", "valueString": "123 456 789"}
    for parameters, expression in (
        ([identifier], "Parameters.parameter.valueString"),
        ([said], "Parameters.parameter.valueIdentifier.system"),
        ([identifier, said, said], "Parameters.parameter[2]"),
        ([identifier, said, {"name": "name", "valueString": "Grace"}], "Parameters.parameter[2]"),
        (
            [{"name": "identifier", "valueIdentifier": {"system": "urn:hearthline:x", "value": "1"}}, said],
            "Parameters.parameter.valueIdentifier.system",
        ),
        (
            [identifier, said, {"name": "organization", "valueReference": {"reference": "Organization/x"}}],
            "Parameters.parameter",
        ),
    ):
        body = {"resourceType": "Parameters", "parameter": parameters}
        answer = await client.post(address, json=body, headers=scene.system)
        assert refused(answer, 422)[0]["expression"] == [expression], parameters
    wrong = refused(await link(client, scene.system, "000 000 000"), 409)
    assert wrong[0]["details"]["coding"][0]["code"] == "link_code_invalid"
    person = await sign_in.sign_in(scene.person)
    assert refused(await link(client, person, await code(client, scene)), 422)  # who works at no clinic


async def test_nobody_is_matched_by_name(client: httpx.AsyncClient, scene: Scene) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Patient"}}]}
    answer = await client.post(f"{ROOT}/Patient/$match", json=body, headers=scene.system)
    assert refused(answer, 422)[0]["details"]["coding"][0]["code"] == "patients_not_matched"
    assert (await client.post(f"{ROOT}/Patient/$match", json=body)).status_code == 401


async def test_the_operation_says_what_it_takes(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    statement = valid(await client.get(f"{ROOT}/metadata"))
    (patient,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    (operation,) = [one for one in patient["operation"] if one["name"] == "hearthline-link"]
    defined = valid(
        await client.get(
            operation["definition"].partition("127.0.0.1:8000")[2] or operation["definition"], headers=scene.system
        )
    )
    assert (defined["code"], defined["url"]) == (operation["name"], operation["definition"])
    taken = {one["name"]: one["min"] for one in defined["parameter"] if one["use"] == "in"}
    assert taken == {"identifier": 1, "code": 1, "organization": 0}
