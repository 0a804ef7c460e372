"""Who may do what in FHIR: everybody of the access matrix, and a clinic's system, tries every interaction."""

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.fhir.registry import Resource
from app.fhir.served import BY_TYPE, RESOURCES
from app.identity.api import DIRECTORY
from app.identity.models import Account, Organization, Resident
from eldercare.medication.models import DOSES
from telemedicine.clinics.models import Practitioner, VisitType
from tests.architecture.access_world import ACTORS, World, open_world
from tests.architecture.snapshot import go_back, snapshot
from tests.architecture.test_access_matrix import REFUSALS, traces_of
from tests.factories import fhir, sign_in, telemedicine, telemedicine_appointments, telemedicine_records
from tests.factories.telemedicine_records import ALLERGY, EVERY
from tests.fhir.things import BILL, THINGS, Thing, subscription

ROOT: Final = "/fhir/R4"
MATRIX: Final = Path(__file__).parent / "access_matrix.txt"
SYSTEM: Final = (
    *fhir.SCOPES,
    *("bills:read", "consultations:read", "medication:manage", "medication:read", "records:read", "records:write"),
)
WHO: Final = (*ACTORS, "system")
"""The system is of the clinic that looks after the resident, with all that clinics' systems in FHIR can ask for."""
OTHERS: Final = ("family", "clinician")
SERVING: Final = ("operator", "desk", "office", "agency", "carer", "clinician")
"""Who sees the resident's profile on behalf of an organization that serves them."""
PERSONAL: Final = {kind: thing for kind, thing in THINGS.items() if thing.rest is not None}
PATCH: Final = {"Content-Type": "application/json-patch+json"}

pytestmark = pytest.mark.usefixtures("directory")

Call = tuple[str, str, Any]


async def the_world(client: httpx.AsyncClient) -> World:
    """Insert the world, with a clinic's system, and of each kind of resource something that is the resident's.

    What is in the trail is not their own doing; what came of the dose is known, as FHIR tells of no awaited ones.
    """
    world = await open_world()
    dose_id = uuid.UUID(world.ids["doses"])
    async with unit_of_work() as session:
        clinic = await session.get_one(Organization, uuid.UUID(world.ids["clinics"]))
        resident = await session.get_one(Resident, uuid.UUID(world.ids["residents"]))
        doctor = await session.get_one(Practitioner, uuid.UUID(world.ids["practitioners"]))
        visit_type = await session.get_one(VisitType, uuid.UUID(world.ids["visit-types"]))
        over = sa.update(DOSES).where(DOSES.c.id == dose_id)
        await session.execute(over.values(state="excused", excuse="away", remind_at=None, close_at=None))
    system = await sign_in.client_headers(clinic, SYSTEM)
    await client.get(f"{ROOT}/Patient/{world.ids['residents']}", headers=system)
    async with reading() as connection:
        entry = await connection.scalar(sa.select(col(AuditEntry.id)).order_by(col(AuditEntry.id).desc()))
    ids = await _of_records(resident, clinic, doctor, world) | await _of_appointments(
        client, resident, doctor, visit_type, world.headers["resident"]
    )
    made = await client.post(f"{ROOT}/Subscription", json=subscription(), headers=system)
    ids |= {"audit-events": str(entry), "subscriptions": made.json()["id"]}
    for name, kind in {
        "versions": "Provenance",
        "claims": "Claim",
        "eligibility": "CoverageEligibilityRequest",
    }.items():
        found = await client.get(f"{ROOT}/{kind}?_count=1", headers=world.headers["resident"])
        ids[name] = found.json()["entry"][0]["resource"]["id"]
    return replace(world, headers=world.headers | {"system": system}, ids=world.ids | ids)


async def _of_records(resident: Resident, clinic: Organization, doctor: Practitioner, world: World) -> dict[str, str]:
    """Enter what there is in the resident's record: by the doctor, and what takes their upload by themselves."""
    async with unit_of_work() as session:
        by = telemedicine.clinician_of(clinic, await session.get_one(Account, doctor.account_id))
    document = {"kind": "document", "title": "Letter", "note": "See", "media_id": world.ids["uploads"]}
    made = [await telemedicine_records.health_record(resident, content, by=by) for content in EVERY]
    made.append(await telemedicine_records.health_record(resident, document))
    # Whose version is told of is the last one's: an allergy's, as the first.
    made.append(await telemedicine_records.health_record(resident, ALLERGY))
    return {one.kind: str(one.id) for one in made}


async def _of_appointments(
    client: httpx.AsyncClient, resident: Resident, doctor: Practitioner, visit_type: VisitType, headers: dict[str, str]
) -> dict[str, str]:
    """Have the doctor's clinic have answered for one time, and be asked for another."""
    last = fhir.FIRST - fhir.A_WEEK
    asked: dict[str, Any] = {"answer_within": timedelta(hours=4), "asked_at": last, "answered_at": last}
    answered = await telemedicine_appointments.appointment(
        resident, doctor, visit_type, fhir.FIRST + 2 * fhir.A_WEEK, **asked
    )
    await _keeps_diary(doctor, is_own=True)
    wanted = {
        "practitioner_id": str(doctor.id),
        "visit_type_id": str(visit_type.id),
        "starts_at": (fhir.FIRST + fhir.A_WEEK).isoformat(),
    }
    held = (await client.post("/v1/appointments", json=wanted, headers=headers)).json()
    asking = await client.post(f"/v1/appointments/{held['id']}/confirmation", headers=headers)
    assert asking.json()["awaits"] == "clinic", asking.text
    await _keeps_diary(doctor, is_own=False)
    return {"answered-appointments": str(answered.id), "asked-appointments": held["id"]}


async def _keeps_diary(doctor: Practitioner, *, is_own: bool) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Practitioner, doctor.id)).owns_diary = is_own


def interactions(resource: Resource) -> list[str]:
    """Return what can be done with a kind of resource."""
    offered = {
        "search": True,
        "read": True,
        "vread": resource.read_version is not None,
        "history": resource.history is not None,
        "create": resource.create is not None,
        "update": resource.update is not None,
        "patch": resource.update is not None,
        "delete": resource.delete is not None,
    }
    return [name for name, is_offered in offered.items() if is_offered]


def rows() -> list[str]:
    """Return the names of the matrix's rows."""
    found = [f"{resource.type}.{name}" for resource in RESOURCES for name in interactions(resource)]
    return [*found, "Patient.$everything", "transaction"]


async def call_of(client: httpx.AsyncClient, world: World, kind: str, name: str) -> Call:
    """Return the request of a row."""
    if kind == "transaction":
        create = THINGS["Observation"].create
        assert create is not None
        entry = {"resource": create(world), "request": {"method": "POST", "url": "Observation"}}
        return "POST", ROOT, {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    thing = THINGS[kind]
    key = thing.id_in(world)
    whose = f"?patient={world.ids['residents']}" if BY_TYPE[kind].compartment else f"?_id={key}"
    calls: dict[str, Call] = {
        "search": ("GET", f"{ROOT}/{kind}{whose}", None),
        "read": ("GET", f"{ROOT}/{kind}/{key}", None),
        "vread": ("GET", f"{ROOT}/{kind}/{key}/_history/1", None),
        "history": ("GET", f"{ROOT}/{kind}/{key}/_history", None),
        "$everything": ("GET", f"{ROOT}/{kind}/{key}/$everything", None),
        "create": ("POST", f"{ROOT}/{kind}", thing.create(world) if thing.create else None),
        "patch": (
            "PATCH",
            f"{ROOT}/{kind}/{key}",
            [{"op": "add", "path": f"/{element}", "value": value} for element, value in thing.change.items()],
        ),
        "delete": ("DELETE", f"{ROOT}/{kind}/{key}", None),
    }
    if name == "update":
        now = (await client.get(f"{ROOT}/{kind}/{key}", headers=world.headers[thing.whose])).json()
        return "PUT", f"{ROOT}/{kind}/{key}", now | dict(thing.change)
    return calls[name]


async def ask(client: httpx.AsyncClient, world: World, actor: str, call: Call) -> httpx.Response:
    """Send a request as an actor."""
    method, address, body = call
    headers = world.headers[actor] | (PATCH if method == "PATCH" else {})
    return await client.request(method, address, json=body, headers=headers)


async def row_of(client: httpx.AsyncClient, world: World, row: str) -> str:
    """Return a row as it is: what each actor is answered; what anyone changed is undone before the next one asks."""
    call = await call_of(client, world, *(row.split(".") if "." in row else (row, "")))
    cells = []
    for actor in WHO:
        answer = await ask(client, world, actor, call)
        assert answer.status_code < 500, f"{row} as {actor}: {answer.text}"
        refused = answer.status_code in (*REFUSALS, 409, 422)
        assert refused or answer.is_success, f"{row} as {actor}: {answer.text}"
        shows = call[0] != "GET" or '"entry"' in answer.text or '"Bundle"' not in answer.text
        cells.append(str(answer.status_code) if refused else "ok" if shows else "none")
        if call[0] != "GET" and answer.is_success:
            await go_back()
    return line(row, cells)


def line(name: str, cells: list[str]) -> str:
    """Return a line of the matrix."""
    return f"{name:<36}{''.join(f'{cell:<10}' for cell in cells)}".rstrip()


async def test_everyone_gets_what_the_matrix_says(client: httpx.AsyncClient, clock: ManualClock) -> None:
    assert {resource.type for resource in RESOURCES} == set(THINGS), "a line of each kind in tests/fhir/things.py"
    declared = [text for text in MATRIX.read_text().splitlines() if text and not text.startswith("#")]
    world = await the_world(client)
    async with snapshot():
        found = [line("interaction", list(WHO))] + [await row_of(client, world, row) for row in rows()]
    assert declared == found, "\n" + "\n".join(found)


async def test_who_reads_what_is_whom_the_rest_api_lets(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await the_world(client)
    differing = {}
    for kind, thing in PERSONAL.items():
        for actor in ACTORS:
            theirs = await client.get(str(thing.rest).format(**world.ids), headers=world.headers[actor])
            ours = await read(client, world, actor, kind, thing)
            if actor == "device":
                assert ours.status_code == 403  # whatever it may elsewhere
            elif thing.hidden and theirs.status_code == 403:
                assert ours.status_code == 404, (kind, actor, ours.text)
            elif theirs.status_code != ours.status_code:
                differing[kind, actor] = theirs.status_code, ours.status_code
    assert differing == {}
    for kind, thing in THINGS.items():
        for actor in ACTORS if kind in DIRECTORY else ():
            answer = await read(client, world, actor, kind, thing)
            expected = {"nobody": 401, "device": 403, "foreign": 404}.get(actor, 200)
            if (kind, actor) == ("OperationDefinition", "foreign"):
                expected = 200  # the operation is the same in every community
            assert answer.status_code == expected, (kind, actor, answer.text)


async def read(client: httpx.AsyncClient, world: World, actor: str, kind: str, thing: Thing) -> httpx.Response:
    """Read something as an actor."""
    return await client.get(f"{ROOT}/{kind}/{thing.id_in(world)}", headers=world.headers[actor])


async def test_searches_show_a_resident_to_those_who_may_read_them(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    world = await the_world(client)
    for kind, thing in PERSONAL.items():
        for actor in WHO:
            key = thing.id_in(world)
            may = (await read(client, world, actor, kind, thing)).status_code == 200
            whose = f"patient={world.ids['residents']}&_count=100"
            for search in [whose if BY_TYPE[kind].compartment else f"_id={key}", ""]:
                answer = await client.get(f"{ROOT}/{kind}?{search}", headers=world.headers[actor])
                shows = answer.is_success and f'/{key}"' in answer.text
                assert shows <= may, (kind, actor, search)
                assert shows or not may or (not search and kind != "Patient"), (kind, actor, search, answer.text)


async def test_who_reads_somebody_elses_is_on_record(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await the_world(client)
    resident = world.ids["residents"]
    refused = {(kind, actor) for kind in ("AuditEvent", "Consent") for actor in OTHERS}
    refused |= {(kind, "clinician") for kind, thing in PERSONAL.items() if thing.rest == BILL}  # the desk sees them
    for kind, thing in PERSONAL.items():
        query = f"patient={resident}" if BY_TYPE[kind].compartment else f"_id={thing.id_in(world)}"
        for address in (f"{ROOT}/{kind}/{thing.id_in(world)}", f"{ROOT}/{kind}?{query}"):
            for actor in OTHERS:
                before = await traces_of(resident)
                answer = await client.get(address, headers=world.headers[actor])
                # A list of both vital signs and records, or visits and records, is two lists.
                lists = 2 if "?" in address and kind in ("Observation", "Encounter") else 1
                recorded = await traces_of(resident) - before
                shown = answer.is_success and ("?" not in address or '"entry"' in answer.text)
                assert recorded == (lists if shown else 0), (address, actor, answer.text)
                assert shown or (kind, actor) in refused, (address, actor, answer.text)


async def test_who_exports_subscribes_and_has_a_group(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await open_world()
    answers = {}
    for actor in ACTORS:
        headers = world.headers[actor] | {"Prefer": "respond-async"}
        group = await client.get(f"{ROOT}/Group?member={world.ids['residents']}", headers=headers)
        export = await client.get(f"{ROOT}/Patient/$export", headers=headers)
        made = await client.post(f"{ROOT}/Subscription", json=subscription(), headers=headers)
        shown = len(group.json()["entry"]) if "entry" in group.json() else 0
        answers[actor] = (group.status_code, shown, export.status_code, made.status_code)
    expected = dict.fromkeys(ACTORS, (200, 0, 403, 403)) | dict.fromkeys(SERVING, (200, 1, 403, 403))
    expected |= {"nobody": (401, 0, 401, 401), "device": (403, 0, 403, 403), "client": (200, 0, 403, 201)}
    assert answers == expected
