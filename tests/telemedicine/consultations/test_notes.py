"""Notes of a video visit: sealed, signed once, from then on only added to; the resident is told what to do."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.sessions.models import AccountSession
from telemedicine.consultations.models import NOTES
from tests.factories import identity
from tests.factories import telemedicine as factory
from tests.factories.sign_in import access_headers, session_of, sign_in
from tests.factories.telemedicine import Scene

pytestmark = pytest.mark.usefixtures("clock")

SOAP = {
    "subjective": "Wisteria since Monday",
    "objective": "No fever",
    "assessment": "A cold",
    "plan": "Rest",
    "instructions": "Drink a lot and rest",
    "follow_up_days": 7,
}


@pytest.fixture
async def scene(client: httpx.AsyncClient) -> Scene:
    return await factory.scene()


async def seen_by(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> list[Any]:
    answer = await client.get(f"{path}/notes", headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def test_a_note_is_the_authors_until_it_is_signed_and_stands_from_then_on(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    path = f"/v1/consultations/{(await factory.consultation(scene)).id}"
    clinician, resident = await sign_in(scene.clinician), await sign_in(scene.account)

    assert (await client.post(f"{path}/note/signature", headers=clinician)).json()["code"] == "note_missing"
    draft = await client.put(f"{path}/note", headers=clinician, json=SOAP)
    assert draft.status_code == 200, draft.text
    assert await seen_by(client, path, resident) == []
    assert (await client.post(f"{path}/addenda", headers=clinician, json={"text": "Too early"})).status_code == 409
    stale = {**clinician, "If-Match": '"7"'}
    assert (await client.put(f"{path}/note", headers=stale, json=SOAP)).status_code == 412

    signed = await client.post(f"{path}/note/signature", headers=clinician)
    assert signed.status_code == 200, signed.text
    again = await client.put(f"{path}/note", headers=clinician, json=SOAP | {"plan": "Work"})
    assert (again.status_code, again.json()["code"]) == (409, "note_signed")
    added = await client.post(f"{path}/addenda", headers=clinician, json={"text": "The rapid test was negative"})
    assert added.status_code == 201
    note, addendum = await seen_by(client, path, resident)
    assert note["content"]["plan"] == "Rest"
    assert note["follow_up_days"] == 7
    assert addendum["text"] == "The rapid test was negative"


async def test_of_changing_and_signing_at_once_what_is_signed_is_what_is_kept(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    path = f"/v1/consultations/{(await factory.consultation(scene)).id}"
    clinician = await sign_in(scene.clinician)
    await client.put(f"{path}/note", headers=clinician, json=SOAP)
    writes = [client.put(f"{path}/note", headers=clinician, json=SOAP | {"plan": f"Plan {n}"}) for n in range(4)]
    answers = await asyncio.gather(*writes, client.post(f"{path}/note/signature", headers=clinician))
    signed = answers[-1].json()
    (kept,) = await seen_by(client, path, clinician)
    assert kept["content"] == signed["content"]
    assert {answer.status_code for answer in answers[:-1]} <= {200, 409}


async def test_what_is_written_is_sealed_and_the_resident_gets_the_instructions(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    path = f"/v1/consultations/{(await factory.consultation(scene)).id}"
    clinician, resident = await sign_in(scene.clinician), await sign_in(scene.account)
    await client.put(f"{path}/note", headers=clinician, json=SOAP)
    await client.post(f"{path}/note/signature", headers=clinician)
    async with reading() as connection:
        (content,) = await connection.scalars(sa.select(NOTES.c.content))
    assert "Wisteria" not in content
    inbox = (await client.get("/v1/me/inbox", headers=resident)).json()["items"]
    assert ["Drink a lot and rest" in item["body"] for item in inbox] == [True]


async def test_only_who_holds_the_visit_writes(client: httpx.AsyncClient, scene: Scene) -> None:
    path = f"/v1/consultations/{(await factory.consultation(scene)).id}"
    colleague = await sign_in(await identity.staff(scene.clinic, "clinician", name="Colleague"))
    resident = await sign_in(scene.account)
    for headers in (colleague, resident):
        assert (await client.put(f"{path}/note", headers=headers, json=SOAP)).status_code == 403
        assert (await client.post(f"{path}/addenda", headers=headers, json={"text": "x"})).status_code == 403


async def test_the_page_of_the_visit_writes_with_its_pass_in_this_visit_alone_and_for_some_hours(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    visit, other = (await factory.consultation(scene)).id, (await factory.consultation(scene)).id
    session = await session_of(scene.clinician)

    async def passed(headers: dict[str, str]) -> dict[str, str]:
        link = (await client.post(f"/v1/consultations/{visit}/links", headers=headers)).json()["url"].partition("#")[2]
        given = await client.post("/v1/consultation-passes", json={"link": link})
        return {"Consultation-Pass": given.json()["pass"]}

    path = f"/v1/consultations/{visit}"
    page = await passed(access_headers(session))
    residents = await passed(await sign_in(scene.account))
    assert (await client.put(f"{path}/note", headers=page, json=SOAP)).status_code == 200
    forged = {"Consultation-Pass": page["Consultation-Pass"][:33] + "A" * 43}
    for headers in (residents, forged, {"Consultation-Pass": "nothing"}):
        assert (await client.get(f"{path}/notes", headers=headers)).status_code == 401
    assert (await client.get(f"/v1/consultations/{other}/notes", headers=page)).status_code == 401
    assert (await client.get(path, headers=page)).status_code == 401  # it is good for nothing else
    keyed = await client.post(f"{path}/note/signature", headers=page | {"Idempotency-Key": "once"})
    assert keyed.status_code == 422
    # Over, the visit is still to be written about.
    clinician = access_headers(session)
    assert (await client.post(f"{path}/end", headers=clinician)).status_code == 200
    signed = await client.post(f"{path}/note/signature", headers=page)
    assert (signed.status_code, signed.json()["author_name"]) == (200, "Edith")
    assert (await client.post(f"{path}/addenda", headers=page, json={"text": "By phone"})).status_code == 201
    clock.advance(timedelta(hours=12, seconds=1))
    assert (await client.get(f"{path}/notes", headers=page)).status_code == 401


async def test_the_pass_ends_with_the_session_its_link_was_asked_for_in(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    visit = (await factory.consultation(scene)).id
    session = await session_of(scene.clinician)
    made = await client.post(f"/v1/consultations/{visit}/links", headers=access_headers(session))
    given = await client.post("/v1/consultation-passes", json={"link": made.json()["url"].partition("#")[2]})
    async with unit_of_work() as work:
        (await work.get_one(AccountSession, session.id)).revoked_at = clocks.now()
    page = {"Consultation-Pass": given.json()["pass"]}
    assert (await client.get(f"/v1/consultations/{visit}/notes", headers=page)).status_code == 401
