"""Signing in with a one-time code."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.database import Database, database, reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.sealing import unseal
from app.identity.models import Account, Community, ContactPoint
from app.identity.sign_in import jobs, service
from app.identity.sign_in.models import SignInChallenge
from tests.asking import statements
from tests.factories import identity
from tests.factories.sign_in import bearer

PHONE = "+8613800138000"


async def ask(client: httpx.AsyncClient, home: Community, **destination: str) -> str:
    """Ask for a code and return the challenge."""
    answer = await client.post("/v1/sign-in/codes", json={"community_id": str(home.id), **destination})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["challenge_id"])


async def code_of(challenge_id: str) -> str:
    """Return the code of a challenge as it is stored."""
    async with reading() as connection:
        sealed = await connection.scalar(
            sa.select(col(SignInChallenge.code)).where(col(SignInChallenge.id) == uuid.UUID(challenge_id))
        )
    assert sealed is not None
    return unseal(sealed, service.CODE)


async def sign_in(client: httpx.AsyncClient, challenge_id: str, code: str, **more: str) -> httpx.Response:
    return await client.post("/v1/sign-in", json={"challenge_id": challenge_id, "code": code, **more})


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_code_signs_in_once(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    account = await identity.account(home, phone=PHONE, verified=False)
    challenge = await ask(client, home, phone="138 0013 8000")
    code = await code_of(challenge)
    answer = await sign_in(client, challenge, code, device_label="Kitchen phone")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["account_id"] == str(account.id)
    assert (await client.get("/v1/me/sessions", headers=bearer(body["access_token"]))).status_code == 200
    assert (await sign_in(client, challenge, code)).json()["code"] == "sign_in_code_invalid"
    async with reading() as connection:
        assert await connection.scalar(sa.select(col(ContactPoint.verified_at))) == clock.now()


async def test_a_code_comes_by_mail_too(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    challenge = await ask(client, home, email=" Ada@Example.org")
    async with unit_of_work() as session:
        found = await service.sign_in_code(session, uuid.UUID(challenge))
    assert found is not None
    assert (found.channel, found.destination, found.language) == ("email", "ada@example.org", "en")
    assert (await sign_in(client, challenge, found.code)).status_code == 200


async def test_nothing_tells_whether_somebody_is_known(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    await identity.account(home, phone=PHONE)
    asked_for: list[list[str]] = []

    async def asked(phone: str) -> dict[str, Any]:
        async with database().writing.connection() as connection:
            pass  # the one used last is lent next
        async with statements(connection) as seen:
            answer = await client.post("/v1/sign-in/codes", json={"community_id": str(home.id), "phone": phone})
        asked_for.append(seen)
        assert answer.status_code == 202
        body: dict[str, Any] = answer.json()
        return body

    known, unknown = await asked(PHONE), await asked("+8613800138999")
    assert known.keys() == unknown.keys()
    assert known["expires_in"] == unknown["expires_in"]
    assert asked_for[0] == asked_for[1]
    assert len(asked_for[0]) > 4
    async with unit_of_work() as session:
        assert await service.sign_in_code(session, uuid.UUID(unknown["challenge_id"])) is None
    code = await code_of(unknown["challenge_id"])
    wrong = await sign_in(client, known["challenge_id"], other_than(await code_of(known["challenge_id"])))
    right_for_nobody = await sign_in(client, unknown["challenge_id"], code)
    never_asked = await sign_in(client, str(clocks.new_id()), code)
    assert wrong.status_code == right_for_nobody.status_code == never_asked.status_code == 401
    assert wrong.json() == right_for_nobody.json() == never_asked.json()


async def test_five_wrong_codes_end_a_challenge(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    await identity.account(home, phone=PHONE)
    challenge = await ask(client, home, phone=PHONE)
    code = await code_of(challenge)
    for _ in range(4):
        assert (await sign_in(client, challenge, other_than(code))).status_code == 401
    async with reading() as connection:
        assert await connection.scalar(sa.select(col(SignInChallenge.attempts))) == 4
    again = await ask(client, home, phone=PHONE)
    for _ in range(5):
        await sign_in(client, again, other_than(await code_of(again)))
    assert (await sign_in(client, again, await code_of(again))).status_code == 401
    assert (await sign_in(client, challenge, code)).status_code == 200


async def test_a_code_ends_after_ten_minutes(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    await identity.account(home, phone=PHONE)
    challenge = await ask(client, home, phone=PHONE)
    clock.advance(timedelta(minutes=10))
    assert (await sign_in(client, challenge, await code_of(challenge))).status_code == 401
    async with unit_of_work() as session:
        assert await service.sign_in_code(session, uuid.UUID(challenge)) is None
    clock.advance(timedelta(days=1, seconds=1))
    assert await settle(jobs.JOBS) == 1


async def test_several_people_share_a_number(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    ada, grace = [await identity.account(home, name=name, phone=PHONE) for name in ("Ada", "Grace")]
    gone = await identity.account(home, name="Gone", phone=PHONE)
    elsewhere = await identity.account(await identity.community(), phone=PHONE)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).where(col(Account.id) == gone.id).values(state="deactivated"))
    challenge = await ask(client, home, phone=PHONE)
    code = await code_of(challenge)
    assert (await sign_in(client, challenge, other_than(code))).status_code == 401
    answer = await sign_in(client, challenge, code)
    assert answer.json() == {
        "choose": [{"account_id": str(ada.id), "name": "Ada"}, {"account_id": str(grace.id), "name": "Grace"}]
    }
    for stranger in (gone, elsewhere):
        assert (await sign_in(client, challenge, code, account_id=str(stranger.id))).status_code == 401
    chosen = await sign_in(client, challenge, code, account_id=str(grace.id))
    assert chosen.json()["account_id"] == str(grace.id)
    assert (await sign_in(client, challenge, code, account_id=str(ada.id))).status_code == 401


async def test_a_number_is_not_flooded_with_codes(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    for _ in range(5):
        await ask(client, home, phone=PHONE)
    body = {"community_id": str(home.id), "phone": PHONE}
    answer = await client.post("/v1/sign-in/codes", json=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) > 0
    await ask(client, home, phone="+8613800138999")
    clock.advance(timedelta(minutes=15))
    await ask(client, home, phone=PHONE)


async def test_an_address_cannot_guess_without_end(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    answers = [await sign_in(client, str(clocks.new_id()), "000000") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [401] * 60 + [429]


async def test_the_event_names_nobody(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    challenge = await ask(client, home, phone=PHONE)
    async with reading() as connection:
        columns = (col(EventRecord.name), col(EventRecord.payload), col(EventRecord.aggregate_id))
        event = (await connection.execute(sa.select(*columns))).one()
    assert (event.name, str(event.aggregate_id)) == ("identity.sign_in_code_requested.v1", challenge)
    assert event.payload == {"channel": "sms"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"phone": PHONE, "email": "a@example.org"}, 422),
        ({"phone": "12"}, 422),
        ({"email": "nobody"}, 422),
        ({"phone": PHONE, "community_id": "00000000-0000-7000-8000-000000000000"}, 404),
    ],
)
async def test_a_request_that_cannot_be_meant(
    client: httpx.AsyncClient, clock: clocks.ManualClock, body: dict[str, str], status: int
) -> None:
    home = await identity.community()
    answer = await client.post("/v1/sign-in/codes", json={"community_id": str(home.id), **body})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_stale_credential_does_not_stand_in_the_way(
    client: httpx.AsyncClient, database: Database, clock: clocks.ManualClock
) -> None:
    home = await identity.community()
    headers = {**bearer("stale"), "Idempotency-Key": "one"}
    body = {"community_id": str(home.id), "phone": PHONE}
    assert (await client.post("/v1/sign-in/codes", json=body, headers=headers)).status_code == 202
