"""Setting up a resident's phone with a QR code."""

from datetime import timedelta

import httpx
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Account
from app.identity.pairing import jobs
from app.identity.pairing.models import Pairing
from tests.factories import identity
from tests.factories.sign_in import bearer, client_headers, sign_in, sign_in_resident


async def redeem(client: httpx.AsyncClient, code: str) -> httpx.Response:
    return await client.post("/v1/pairings/redemption", json={"code": code, "device_label": "Kitchen phone"})


async def test_staff_pair_a_residents_phone(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    resident = await identity.resident(home)
    operator = await identity.organization(home)
    await identity.agreement(operator)
    headers = await sign_in(await identity.staff(operator))
    answer = await client.post(f"/v1/residents/{resident.id}/pairings", headers=headers)
    assert answer.status_code == 201, answer.text
    pairing = answer.json()
    assert pairing["qr_svg"].startswith("<?xml")
    assert pairing["code"] in pairing["uri"]
    paired = await redeem(client, pairing["code"])
    assert paired.status_code == 201, paired.text
    body = paired.json()
    assert body["tokens"]["account_id"] == str(resident.account_id)
    assert body["device_credential"].startswith("hd_")
    listed = await client.get("/v1/me/device-credentials", headers=bearer(body["tokens"]["access_token"]))
    assert listed.json()["items"][0]["label"] == "Kitchen phone"
    async with reading() as connection:
        stored = (await connection.execute(sa.select(col(Pairing.digest)))).scalar_one()
        actions = set((await connection.scalars(sa.select(col(AuditEntry.action)))).all())
    assert pairing["code"].encode() not in stored
    assert {"pairing:create", "pairing:redeem", "session:begin"} <= actions


async def test_a_code_works_once_and_for_fifteen_minutes(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    headers = await sign_in_resident(await identity.resident(await identity.community()))
    first = (await client.post("/v1/me/pairings", headers=headers)).json()["code"]
    clock.advance(timedelta(minutes=14, seconds=59))
    second = (await client.post("/v1/me/pairings", headers=headers)).json()["code"]
    assert (await redeem(client, first)).json()["code"] == "pairing_code_invalid"
    assert (await redeem(client, second)).status_code == 201
    assert (await redeem(client, second)).status_code == 401
    headers = await sign_in_resident(await identity.resident(await identity.community()))
    late = (await client.post("/v1/me/pairings", headers=headers)).json()["code"]
    clock.advance(timedelta(minutes=15))
    assert (await redeem(client, late)).status_code == 401
    assert (await redeem(client, "x" * 43)).status_code == 401
    clock.advance(timedelta(days=1, seconds=1))
    assert await settle(jobs.JOBS) == 2


async def test_the_account_has_to_be_active(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident)
    code = (await client.post("/v1/me/pairings", headers=headers)).json()["code"]
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(state="deactivated"))
    assert (await redeem(client, code)).status_code == 401


async def test_who_may_not_manage_the_profile_cannot_pair(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    resident = await identity.resident(home)
    agency = await identity.organization(home, "care_agency")
    await identity.agreement(agency)
    stranger = await sign_in(await identity.account(home))
    carer = await sign_in(await identity.staff(agency, "carer"))
    machine = await client_headers(agency, {"profile:manage"})
    path = f"/v1/residents/{resident.id}/pairings"
    expected: tuple[tuple[dict[str, str], int], ...] = ((stranger, 404), (carer, 403), (machine, 403), ({}, 401))
    for headers, status in expected:
        assert (await client.post(path, headers=headers)).status_code == status
