"""SMART scopes in FHIR: a token does what its scopes say, of what its actor may, and about no other patient."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col

from app.core import audit_chain
from app.core.access import Actor, App
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.fhir.access import InsufficientScope, reach
from app.fhir.capability import capability_statement
from app.fhir.narrowing import narrowed, patients_of
from app.fhir.registry import Asked, Query, Resource
from app.fhir.served import BY_TYPE, RESOURCES
from app.identity.api import NEEDS
from app.portal.authorize.texts import CALLED, WORDS
from tests.factories import eldercare_vitals, fhir, identity, smart, telemedicine
from tests.factories.fhir import Scene
from tests.factories.sign_in import client_headers, sign_in
from tests.factories.smart import BACK, Machine
from tests.fhir.valid import check

ROOT = "/fhir/R4"
ALL = ("profile:read", "vitals:read", "vitals:write", "appointments:manage", "consultations:read")


@dataclass(frozen=True)
class World:
    """A clinic with its own system, and a resident with a neighbour, of both of whom there is something to read."""

    scene: Scene
    system: Machine
    app: Machine
    neighbour: Any


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database, clock: ManualClock) -> World:
    """Set the scene."""
    scene = await fhir.scene()
    await identity.agreement(scene.organization)
    neighbour = await identity.resident(scene.place, name="Howard", phone="+8613800000022")
    await identity.grant(
        neighbour, scene.person, ["profile:read", "vitals:read", "vitals:write", "appointments:manage"]
    )
    for person in (scene.resident, neighbour):
        await eldercare_vitals.reading(person, 70, "8867-4")
    system = await smart.machine(scene.organization, ALL)
    app = await smart.machine(scene.organization, ALL, redirect_uris=[BACK])
    return World(scene, system, app, neighbour)


async def entries(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> list[tuple[str, str]]:
    """Return what a search shows: kinds and ids."""
    answer = await client.get(f"{ROOT}/{path}", headers=headers)
    assert answer.status_code == 200, (path, answer.text)
    found = [entry["resource"] for entry in answer.json().get("entry", [])]
    return [(one["resourceType"], one["id"]) for one in found if one["resourceType"] != "OperationOutcome"]


async def test_each_way_of_asking_needs_its_letter(client: httpx.AsyncClient, world: World) -> None:
    patient = f"{ROOT}/Patient/{world.scene.resident.id}"
    search = f"{ROOT}/Patient"
    for scope, may_read, may_search in (
        ("system/Patient.r", True, False),
        ("system/Patient.s", False, True),
        ("system/Patient.rs", True, True),
        ("system/Patient.read", True, True),
        ("system/*.rs", True, True),
        ("system/*.read", True, True),
        ("system/Observation.rs", False, False),
        ("system/*.cud", False, False),
    ):
        headers = await smart.headers(client, world.system, scope)
        assert ((await client.get(patient, headers=headers)).status_code == 200) is may_read, scope
        answer = await client.get(search, headers=headers)
        assert (answer.status_code == 200) is may_search, scope
        posted = await client.post(f"{search}/_search", headers=headers)
        assert posted.status_code == answer.status_code, scope
    answer = await client.get(search, headers=await smart.headers(client, world.system, "system/Observation.rs"))
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="system/Patient.s"'
    assert answer.json()["issue"][0]["code"] == "forbidden"
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "insufficient_scope"
    check(answer.json())


async def test_what_is_written_needs_its_letter_too(client: httpx.AsyncClient, world: World) -> None:
    reading_only = await smart.headers(client, world.system, "system/Appointment.rs system/*.read")
    creating = await smart.headers(client, world.system, "system/Appointment.c system/Slot.rs")
    updating = await smart.headers(client, world.system, "system/Appointment.u")
    slots = await fhir.slots(client, world.scene, schedule=f"Schedule/{world.scene.schedule}")
    wanted = fhir.wanted(world.scene, slots[0])
    assert (await client.post(f"{ROOT}/Appointment", json=wanted, headers=reading_only)).status_code == 403
    assert (await client.post(f"{ROOT}/Appointment", json=wanted, headers=updating)).status_code == 403
    made = await client.post(f"{ROOT}/Appointment", json=wanted, headers=creating)
    assert made.status_code == 201, made.text
    path = f"{ROOT}/Appointment/{made.json()['id']}"
    called_off = made.json() | {"status": "cancelled"}
    assert (await client.put(path, json=called_off, headers=creating)).status_code == 403
    assert (await client.get(path, headers=updating)).status_code == 403
    assert (await client.put(path, json=called_off, headers=updating)).status_code == 200


async def test_a_key_tells_no_other_program_what_was_answered(client: httpx.AsyncClient, world: World) -> None:
    slots = await fhir.slots(client, world.scene, schedule=f"Schedule/{world.scene.schedule}")
    document, key = fhir.wanted(world.scene, slots[0]), {"Idempotency-Key": "once"}
    creating = await smart.headers(client, world.system, "system/Appointment.c")
    answers = [await client.post(f"{ROOT}/Appointment", json=document, headers=creating | key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    reading_only = await smart.headers(client, world.system, "system/Appointment.rs")
    assert (await client.post(f"{ROOT}/Appointment", json=document, headers=reading_only | key)).status_code == 403


async def test_includes_show_what_the_scopes_let_find(client: httpx.AsyncClient, world: World) -> None:
    booked = await fhir.book(client, world.scene)
    include = f"Appointment?patient={world.scene.resident.id}&_include=Appointment:patient"
    only = await smart.headers(client, world.system, "system/Appointment.rs")
    assert await entries(client, only, include) == [("Appointment", booked["id"])]
    both = await smart.headers(client, world.system, "system/Appointment.rs system/Patient.rs")
    assert await entries(client, both, include) == [
        ("Appointment", booked["id"]),
        ("Patient", str(world.scene.resident.id)),
    ]
    back = f"Schedule?actor=Practitioner/{world.scene.doctor.id}&_revinclude=Slot:schedule"
    schedules = await smart.headers(client, world.system, "system/Schedule.rs")
    assert {kind for kind, _ in await entries(client, schedules, back)} == {"Schedule"}
    slots = await smart.headers(client, world.system, "system/Schedule.rs system/Slot.s")
    assert {kind for kind, _ in await entries(client, slots, back)} == {"Schedule", "Slot"}


async def test_an_app_about_one_patient_sees_and_writes_nothing_about_others(
    client: httpx.AsyncClient, world: World
) -> None:
    scope = "launch/patient patient/*.cruds"
    given = await smart.connected(client, world.app, "+8613800000021", scope, "Howard")
    assert given["patient"] == str(world.neighbour.id)
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert await entries(client, headers, "Patient") == [("Patient", str(world.neighbour.id))]
    assert await entries(client, headers, f"Patient?_id={world.scene.resident.id}") == []
    assert (await client.get(f"{ROOT}/Patient/{world.scene.resident.id}", headers=headers)).status_code == 404
    assert await entries(client, headers, f"Observation?patient={world.scene.resident.id}") == []
    (own,) = await entries(client, headers, "Observation")  # of the patient, not of the person who asks
    answer = await client.get(f"{ROOT}/Observation/{own[1]}", headers=headers)
    assert answer.json()["subject"]["reference"] == f"Patient/{world.neighbour.id}"
    theirs = await entries(client, world.scene.system, f"Observation?patient={world.scene.resident.id}")
    assert (await client.get(f"{ROOT}/Observation/{theirs[0][1]}", headers=headers)).status_code == 404
    assert {kind for kind, _ in await entries(client, headers, "Practitioner")} == {"Practitioner"}

    document = answer.json() | {"effectiveDateTime": "2026-03-01T00:00:00Z"}
    del document["id"]
    of_other = document | {"subject": {"reference": f"Patient/{world.scene.resident.id}"}}
    assert (await client.post(f"{ROOT}/Observation", json=of_other, headers=headers)).status_code == 404
    made = await client.post(f"{ROOT}/Observation", json=document, headers=headers)
    assert made.status_code == 201, made.text

    booked = await fhir.book(client, world.scene)
    path = f"{ROOT}/Appointment/{booked['id']}"
    assert (await client.get(path, headers=headers)).status_code == 404
    assert (await client.put(path, json=booked | {"status": "cancelled"}, headers=headers)).status_code == 404
    find = "Appointment/$find?start=2026-03-03T00:00:00Z&end=2026-03-04T00:00:00Z"
    answer = await client.get(f"{ROOT}/{find}", headers=headers)
    assert answer.status_code == 200
    assert patients_of(answer.json()["entry"][0]["resource"]) == {str(world.neighbour.id)}
    other = await client.get(f"{ROOT}/{find}&patient-reference=Patient/{world.scene.resident.id}", headers=headers)
    assert "entry" not in other.json()
    whose = await client.get(
        f"{ROOT}/{find}&patient-reference=Patient/{world.scene.resident.id}", headers=world.scene.system
    )
    proposal = whose.json()["entry"][0]["resource"]["id"]
    parameter = {"name": "appointment-reference", "valueReference": {"reference": f"Appointment/{proposal}"}}
    taken = {"resourceType": "Parameters", "parameter": [parameter]}
    for operation in ("$hold", "$book"):
        answer = await client.post(f"{ROOT}/Appointment/{operation}", json=taken, headers=headers)
        assert answer.status_code == 404, answer.text


async def test_operations_need_their_letters(client: httpx.AsyncClient, world: World) -> None:
    find = f"{ROOT}/Appointment/$find?start=2026-03-03T00:00:00Z&patient-reference=Patient/{world.scene.resident.id}"
    searching = await smart.headers(client, world.system, "system/Appointment.s")
    reading_one = await smart.headers(client, world.system, "system/Appointment.r")
    assert (await client.get(find, headers=reading_one)).status_code == 403
    found = await client.get(find, headers=searching)
    proposal = found.json()["entry"][0]["resource"]["id"]
    parameter = {"name": "appointment-reference", "valueReference": {"reference": f"Appointment/{proposal}"}}
    taken = {"resourceType": "Parameters", "parameter": [parameter]}
    assert (await client.post(f"{ROOT}/Appointment/$book", json=taken, headers=searching)).status_code == 403
    creating = await smart.headers(client, world.system, "system/Appointment.c")
    assert (await client.post(f"{ROOT}/Appointment/$book", json=taken, headers=creating)).status_code == 200


async def test_linking_a_number_needs_the_letter_of_what_it_changes(client: httpx.AsyncClient, world: World) -> None:
    code = await client.post("/v1/me/link-codes", headers=await sign_in(world.scene.person))
    number = {"system": "https://lake-clinic.example/patients", "value": "P-1"}
    parameters = [
        {"name": "identifier", "valueIdentifier": number},
        {"name": "code", "valueString": code.json()["code"]},
    ]
    body = {"resourceType": "Parameters", "parameter": parameters}
    link = f"{ROOT}/Patient/$hearthline-link"
    seeing = await smart.headers(client, world.system, "system/Patient.rs system/Appointment.cruds")
    answer = await client.post(link, json=body, headers=seeing)
    assert answer.status_code == 403, answer.text
    assert 'scope="system/Patient.u"' in answer.headers["www-authenticate"]
    changing = await smart.headers(client, world.system, "system/Patient.u system/Appointment.cruds")
    assert (await client.post(link, json=body, headers=changing)).status_code == 200


async def test_a_clinics_system_sees_the_clinics_own_video_visits(client: httpx.AsyncClient, world: World) -> None:
    scene = world.scene
    clinician = await identity.staff(scene.organization, "clinician", name="Edith")
    ours = await telemedicine.consultation(
        telemedicine.Scene(scene.place, scene.resident, scene.person, scene.organization, clinician)
    )
    other = await identity.organization(scene.place, "clinic", name="Hill Clinic")
    await identity.agreement(other)
    theirs = await telemedicine.consultation(
        telemedicine.Scene(
            scene.place, scene.resident, scene.person, other, await identity.staff(other, "clinician", name="Alan")
        )
    )
    headers = await smart.headers(client, world.system, "system/Encounter.rs")
    assert await entries(client, headers, f"Encounter?patient={scene.resident.id}") == [("Encounter", str(ours.id))]
    assert (await client.get(f"{ROOT}/Encounter/{ours.id}", headers=headers)).status_code == 200
    assert (await client.get(f"{ROOT}/Encounter/{theirs.id}", headers=headers)).status_code == 403
    key = await client_headers(scene.organization, ["consultations:read"])
    visits = f"/v1/residents/{scene.resident.id}/consultations"
    assert [one["id"] for one in (await client.get(visits, headers=key)).json()["items"]] == [str(ours.id)]
    few = await client_headers(scene.organization, ["profile:read"])
    assert (await client.get(f"{ROOT}/Encounter/{ours.id}", headers=few)).status_code == 403
    async with reading() as connection:
        entry = sa.select(AuditEntry).where(
            col(AuditEntry.action) == "consultation:read", col(AuditEntry.actor_id) == world.system.id
        )
        (trace,) = (await connection.execute(entry)).all()
    assert (trace.actor_kind, trace.app_id, trace.resident_id) == ("client", world.system.id, scene.resident.id)


async def test_what_is_read_and_written_is_on_record_as_the_apps_doing(client: httpx.AsyncClient, world: World) -> None:
    given = await smart.connected(client, world.app, "+8613800000021", "user/*.cruds")
    headers = {"Authorization": f"Bearer {given['access_token']}"}

    async def traced(whose: uuid.UUID) -> list[str]:
        async with reading() as connection:
            entry = sa.select(col(AuditEntry.action)).where(
                col(AuditEntry.app_id) == world.app.id, col(AuditEntry.resident_id) == whose
            )
            return list(await connection.scalars(entry.order_by(col(AuditEntry.id))))

    own, other = world.scene.resident.id, world.neighbour.id
    (mine,) = await entries(client, headers, f"Observation?patient={own}")
    await client.get(f"{ROOT}/Observation/{mine[1]}", headers=headers)
    await entries(client, headers, "Practitioner")
    assert await traced(own) == ["app:read", "app:read"]
    await entries(client, headers, f"Observation?patient={other}")
    await client.get(f"{ROOT}/Patient/{other}", headers=headers)
    assert await traced(other) == ["vitals:list", "profile:read"]
    slots = await fhir.slots(client, world.scene, schedule=f"Schedule/{world.scene.schedule}")
    made = await client.post(f"{ROOT}/Appointment", json=fhir.wanted(world.scene, slots[0]), headers=headers)
    assert made.status_code == 201
    assert "appointment:booked" in await traced(own)
    assert (await audit_chain.seal_entries()) > 0
    async with reading() as connection:
        assert (await audit_chain.verify(connection)).holds


async def test_scopes_never_widen_what_the_actor_may(client: httpx.AsyncClient, world: World) -> None:
    few = await smart.machine(world.scene.organization, ["profile:read"])
    headers = await smart.headers(client, few, "system/*.cruds")
    assert (
        await client.get(f"{ROOT}/Observation?patient={world.scene.resident.id}", headers=headers)
    ).status_code == 403
    assert await entries(client, headers, "Appointment") == []
    given = await smart.connected(client, world.app, "+8613800000022", "user/*.cruds")
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert await entries(client, headers, "Patient") == [("Patient", str(world.neighbour.id))]
    assert (await client.get(f"{ROOT}/Patient/{world.scene.resident.id}", headers=headers)).status_code == 404


async def test_an_app_has_no_more_of_what_somebody_was_let_than_it_was_registered_for(
    client: httpx.AsyncClient, world: World
) -> None:
    few = await smart.machine(world.scene.organization, ["profile:read"], redirect_uris=[BACK])
    given = await smart.connected(client, few, "+8613800000021", "user/*.rs")
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    for whose in (world.scene.resident, world.neighbour):  # oneself, and whoever lets one see more than the app may
        assert (await client.get(f"{ROOT}/Patient/{whose.id}", headers=headers)).status_code == 200
        answer = await client.get(f"{ROOT}/Observation?patient={whose.id}", headers=headers)
        assert answer.status_code == 403, answer.text


def person(scopes: str, patient_id: uuid.UUID | None) -> Actor:
    """Return somebody who comes through an app."""
    nobody = uuid.UUID(int=2)
    return Actor("account", nobody, nobody, app=App(nobody, tuple(scopes.split()), patient_id))


def test_every_kind_has_scopes_and_words_and_says_whose_it_is() -> None:
    assert BY_TYPE.keys() <= NEEDS.keys()
    assert NEEDS.keys() <= CALLED.keys()
    assert WORDS["en"].keys() == WORDS["zh-CN"].keys()
    for resource in RESOURCES:
        within = reach(person("patient/*.cruds", uuid.UUID(int=4)), resource.type, "s")
        # Without a patient a token of one shows the directory alone.
        alone = reach(person("patient/*.cruds", None), resource.type, "s")
        assert within is not None
        assert (alone is None) == (within.patient is not None), resource.type


async def test_whoever_calls_a_resource_keeps_within_the_scopes(database: Database, world: World) -> None:
    async with reading() as connection:
        asked = Asked(person("user/Patient.r", None), connection)
        for resource in RESOURCES:
            with pytest.raises(InsufficientScope):
                await resource.search(asked, Query())
            ways: list[tuple[Any, list[Any]]] = [
                (resource.create, [{"resourceType": resource.type}]),
                (resource.update, ["1", {}, None]),
                (resource.history, ["1", None]),
                (resource.read_version, ["1", 1]),
                (resource.read if resource.type != "Patient" else None, ["1"]),
            ]
            for way, arguments in ways:
                if way is not None:
                    with pytest.raises(InsufficientScope):
                        await way(asked, *arguments)


def test_a_kind_with_a_way_in_that_nobody_knows_is_not_served() -> None:
    @dataclass(frozen=True)
    class Wider(Resource):
        graph: Any = None

    patient = BY_TYPE["Patient"]
    with pytest.raises(TypeError, match="graph"):
        narrowed(Wider("Patient", "", (), patient.search, graph=patient.search))


async def test_what_smart_there_is_stands_where_clients_look(client: httpx.AsyncClient, clock: ManualClock) -> None:
    answer = await client.get(f"{ROOT}/.well-known/smart-configuration")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    said = answer.json()
    home = "http://127.0.0.1:8000"
    assert (said["issuer"], said["token_endpoint"]) == (home, f"{home}/v1/oauth/token")
    assert "S256" in said["code_challenge_methods_supported"]
    assert "plain" not in said["code_challenge_methods_supported"]
    assert said["authorization_response_iss_parameter_supported"] is True
    openid = (await client.get("/.well-known/openid-configuration")).json()
    for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
        assert openid[name] == said[name]
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        there = await client.post(said[name].removeprefix(home), data={})
        assert there.status_code in (400, 401), name
    assert (await client.get(said["authorization_endpoint"].removeprefix(home))).status_code == 400
    assert (await client.get(said["jwks_uri"].removeprefix(home))).status_code == 200
    statement = capability_statement()
    check(statement)
    (extension,) = statement["rest"][0]["security"]["extension"]
    uris = {one["url"]: one["valueUri"] for one in extension["extension"]}
    assert (uris["authorize"], uris["token"]) == (said["authorization_endpoint"], said["token_endpoint"])
