"""Who may read what in FHIR: everybody of the access matrix asks for one resident's things, as with the REST API."""

from typing import Final

import httpx

from app.core.clock import ManualClock
from app.fhir.served import RESOURCES
from tests.architecture.access_world import ACTORS, World, open_world
from tests.architecture.test_access_matrix import traces_of

ROOT: Final = "/fhir/R4"
# Of each resource that is about a resident: what it is called in the world, and who gets it. Others get a 404; 403 for
# those who may know the resident, or the thing, but not this of them.
PERSONAL: Final = {
    "Patient": "residents",
    "Observation": "vitals",
    "Encounter": "consultations",
    "Appointment": "appointments",
}
DIRECTORY: Final = {
    "Organization": "clinics",
    "Location": "locations",
    "Practitioner": "practitioners",
    "PractitionerRole": "practitioners",
    "HealthcareService": "visit-types",
}
OTHERWISE: Final = {"AppointmentResponse", "OperationDefinition", "Schedule", "Slot"}
"""Answers, which are seen as what they answer is; what is the same for everybody; what is worked out."""
SAME_AS: Final = {
    "Patient": "/v1/residents/{residents}/profile",
    "Observation": "/v1/residents/{residents}/vitals/{vitals}",
    "Encounter": "/v1/consultations/{consultations}",
    "Appointment": "/v1/appointments/{appointments}",
}
OTHERS: Final = ("family", "clinician")


async def read(client: httpx.AsyncClient, world: World, actor: str, address: str) -> httpx.Response:
    """Ask for something as an actor."""
    return await client.get(address, headers=world.headers[actor])


async def test_who_reads_what_is_whom_the_rest_api_lets(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await open_world()
    assert {resource.type for resource in RESOURCES} == {*PERSONAL, *DIRECTORY, *OTHERWISE}
    differing = {}
    for kind, path in SAME_AS.items():
        for actor in ACTORS:
            theirs = await read(client, world, actor, path.format(**world.ids))
            ours = await read(client, world, actor, f"{ROOT}/{kind}/{world.ids[PERSONAL[kind]]}")
            if actor == "device":
                assert ours.status_code == 403  # whatever it may elsewhere
            elif theirs.status_code != ours.status_code:
                differing[kind, actor] = theirs.status_code, ours.status_code
    assert differing == {}
    for kind, name in DIRECTORY.items():
        for actor in ACTORS:
            answer = await read(client, world, actor, f"{ROOT}/{kind}/{world.ids[name]}")
            expected = {"nobody": 401, "device": 403, "foreign": 404}.get(actor, 200)
            assert answer.status_code == expected, (kind, actor, answer.text)


async def test_searches_show_a_resident_to_those_who_may_read_them(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    world = await open_world()
    for kind, name in PERSONAL.items():
        for actor in ACTORS:
            key = world.ids[name]
            may = (await read(client, world, actor, f"{ROOT}/{kind}/{key}")).status_code == 200
            searches = [f"patient={world.ids['residents']}", ""] if kind != "Patient" else [f"_id={key}", ""]
            for search in searches:
                answer = await read(client, world, actor, f"{ROOT}/{kind}?{search}")
                shows = answer.is_success and f'/{key}"' in answer.text
                assert shows <= may, (kind, actor, search)
                assert shows or not may or (not search and kind != "Patient"), (kind, actor, search, answer.text)


async def test_who_reads_somebody_elses_is_on_record(client: httpx.AsyncClient, clock: ManualClock) -> None:
    world = await open_world()
    resident = world.ids["residents"]
    for kind, name in PERSONAL.items():
        query = f"_id={resident}" if kind == "Patient" else f"patient={resident}"
        for address in (f"{ROOT}/{kind}/{world.ids[name]}", f"{ROOT}/{kind}?{query}"):
            for actor in OTHERS:
                before = await traces_of(resident)
                answer = await read(client, world, actor, address)
                assert answer.status_code == 200, (address, actor, answer.text)
                assert await traces_of(resident) == before + 1, (address, actor)
