"""Notes of visits in person: one's own while they are written, the resident's once they are signed."""

import httpx

from app.core.clock import ManualClock
from app.core.database import Database
from telemedicine.visit_notes import rules
from tests.factories import identity, sign_in, telemedicine, telemedicine_appointments
from tests.factories import telemedicine_clinics as clinics

SAID = {"subjective": "Coughs, the Wisteria sort", "objective": "", "assessment": "A cold", "plan": "Tea"}


class Room:
    """A doctor with somebody who has a number."""

    def __init__(self, client: httpx.AsyncClient, scene: telemedicine.Scene, headers: dict[str, str]) -> None:
        self.client, self.scene, self.headers = client, scene, headers
        self.path = f"/v1/residents/{scene.resident.id}/visit-note"

    async def write(self, content: dict[str, str], version: int | None = None) -> httpx.Response:
        more = {} if version is None else {"If-Match": f'"{version}"'}
        return await self.client.put(self.path, json={"content": content}, headers=self.headers | more)


async def room(client: httpx.AsyncClient, *, with_number: bool = True) -> Room:
    scene = await telemedicine.scene()
    clinic = await clinics.clinic(scene.place, scene.clinic)
    if with_number:
        await telemedicine_appointments.queue_ticket(scene.resident, clinic)
    return Room(client, scene, await sign_in.sign_in(scene.clinician, second_factor=True))


def test_a_note_reads_as_one_text() -> None:
    assert rules.text(SAID) == "S: Coughs, the Wisteria sort\n\nA: A cold\n\nP: Tea"
    assert rules.text({}) == ""


async def test_a_draft_is_its_authors_alone_until_it_is_signed(
    client: httpx.AsyncClient, database: Database, clock: ManualClock
) -> None:
    here = await room(client)
    empty = (await client.get(here.path, headers=here.headers)).json()
    assert (empty["version"], empty["content"]["plan"]) == (0, "")
    written = await here.write(SAID, 0)
    assert written.status_code == 200, written.text
    assert (await here.write(SAID, 0)).json()["code"] == "stale_version"
    records = f"/v1/residents/{here.scene.resident.id}/health-records"
    assert (await client.get(records, headers=here.headers)).json()["items"] == []
    colleague = await identity.staff(here.scene.clinic, "clinician", name="Colleague")
    theirs = await client.get(here.path, headers=await sign_in.sign_in(colleague, second_factor=True))
    assert theirs.json()["version"] == 0
    own = await sign_in.sign_in_resident(here.scene.resident)
    assert (await client.get(here.path, headers=own)).json()["code"] == "for_the_clinic"

    signed = await client.post(
        f"{here.path}/signature",
        json={"title": "Visit"},
        headers=here.headers | {"If-Match": f'"{written.json()["version"]}"', "Idempotency-Key": "once"},
    )
    assert signed.status_code == 201, signed.text
    content = signed.json()["content"]
    assert (content["kind"], content["doc_status"], content["note"]) == ("document", "final", rules.text(SAID))
    again = await client.post(
        f"{here.path}/signature",
        json={"title": "Visit"},
        headers=here.headers | {"If-Match": f'"{written.json()["version"]}"', "Idempotency-Key": "once"},
    )
    assert again.json()["id"] == signed.json()["id"]
    assert (await client.get(here.path, headers=here.headers)).json()["version"] == 0
    read = (await client.get("/v1/me/health-records", headers=own)).json()["items"]
    seen, document = read
    assert document["id"] == signed.json()["id"]
    assert (seen["kind"], seen["content"]["encounter_class"], seen["status"]) == ("encounter", "AMB", "finished")
    nothing = await client.post(f"{here.path}/signature", json={}, headers=here.headers)
    assert nothing.json()["code"] == "nothing_written"


async def test_what_is_signed_may_be_other_than_the_draft(
    client: httpx.AsyncClient, database: Database, clock: ManualClock
) -> None:
    here = await room(client)
    await here.write(SAID)
    signed = await client.post(f"{here.path}/signature", json={"content": {"plan": "Rest"}}, headers=here.headers)
    assert signed.json()["content"]["note"] == "P: Rest"


async def test_a_draft_is_thrown_away(client: httpx.AsyncClient, database: Database, clock: ManualClock) -> None:
    here = await room(client)
    await here.write(SAID)
    assert (await client.delete(here.path, headers=here.headers)).status_code == 204
    assert (await client.delete(here.path, headers=here.headers)).status_code == 204
    assert (await client.get(here.path, headers=here.headers)).json()["version"] == 0


async def test_a_note_fits_a_record_and_is_of_a_treatment(
    client: httpx.AsyncClient, database: Database, clock: ManualClock
) -> None:
    here = await room(client)
    long = dict.fromkeys(("subjective", "objective", "assessment", "plan"), "x" * 1000)
    assert (await here.write(long)).status_code == 422
    fits = {"subjective": "x" * rules.MOST}
    assert (await here.write(fits)).status_code == 200
    assert (await client.post(f"{here.path}/signature", json={}, headers=here.headers)).status_code == 201
    stranger = await room(client, with_number=False)
    assert (await stranger.write(SAID)).json()["code"] == "no_treatment"
    clerk = await identity.staff(here.scene.clinic, "coordinator", name="Clerk")
    refused = await client.get(here.path, headers=await sign_in.sign_in(clerk, second_factor=True))
    assert refused.status_code == 403


async def test_to_read_a_draft_is_on_record(client: httpx.AsyncClient, database: Database, clock: ManualClock) -> None:
    here = await room(client)
    own = await sign_in.sign_in_resident(here.scene.resident)

    async def reads() -> int:
        trail = (await client.get("/v1/me/data-accesses", headers=own)).json()["items"]
        return sum(one["action"] == "visit_note:read" for one in trail)

    await client.get(here.path, headers=here.headers)
    assert await reads() == 0  # nothing was written, nothing was read
    await here.write(SAID, 0)
    await client.get(here.path, headers=here.headers)
    assert await reads() == 1
