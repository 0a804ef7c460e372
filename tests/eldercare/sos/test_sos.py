"""SOS: never refused, stored first, pressed twice and stored once; and what to phone when nothing works."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core import database as databases
from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.settings import DatabaseSettings
from eldercare.alarms.problems import AlarmClosed
from eldercare.sos import service
from eldercare.sos.rules import OLDEST_CALL, understand
from tests.conftest import START
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import device_headers, sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

SOS = "/v1/me/sos"
KEY = "0194f8a0-0000-7000-8000-000000000001"


async def test_it_is_stored_and_rings_when_the_countdown_ends_though_the_app_is_gone(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    answer = await client.post(SOS, headers=await sign_in_resident(scene.resident))

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["kind"], body["severity"], body["state"]) == ("sos", "critical", "raised")
    assert body["countdown_until"] == (clock.now() + timedelta(seconds=10)).isoformat().replace("+00:00", "Z")
    assert (body["desk_phone"], body["emergency_numbers"]["medical"]) == ("+862155551000", "120")
    assert await alarms.climb() == 0
    clock.advance(timedelta(seconds=10))
    await alarms.climb()
    assert len(await alarms.notices_of(scene.circle[0])) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[1, 2]", "application/json"),
        (b"null", "application/json"),
        (
            b'{"place": "\\u0000", "sos_id": "nonsense", "countdown_seconds": "soon", "occurred_at": 5}',
            "application/json",
        ),
        (b"\x00\xff\xfe", "application/json"),
        (b'{"a": "\\ud800"}', "application/json"),
        (b"help", "text/plain"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b'{"unknown": {"deep": [1]}}', "application/xml"),
        (b"x" * 3_000_000, "application/json"),
    ],
)
async def test_no_body_is_a_reason_to_refuse_it(client: httpx.AsyncClient, body: bytes, content_type: str) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident) | {"Content-Type": content_type, "Idempotency-Key": "x" * 400}

    answer = await client.post(f"{SOS}?a=%00", headers=headers, content=body)

    assert answer.status_code == 201, answer.text


async def test_the_same_sos_again_is_the_same_alarm_even_when_it_is_over(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident) | {"Idempotency-Key": "same"}
    first = (await client.post(SOS, headers=headers, json={"sos_id": KEY})).json()
    second = (await client.post(SOS, headers=headers, json={"sos_id": KEY, "countdown_seconds": 0})).json()
    assert (second["id"], second["version"]) == (first["id"], first["version"])

    await client.post(f"/v1/alarms/{first['id']}/cancellation", headers=headers)
    third = (await client.post(SOS, headers=headers, json={"sos_id": KEY})).json()
    assert (third["id"], third["state"]) == (first["id"], "cancelled")
    other = (await client.post(SOS, headers=headers, json={})).json()
    assert other["id"] != first["id"]


async def test_an_app_that_uses_one_id_for_ever_is_heard_again(client: httpx.AsyncClient, clock: ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident)
    seen = set()
    for _ in range(3):
        answer = (await client.post(SOS, headers=headers, json={"sos_id": KEY})).json()
        again = (await client.post(SOS, headers=headers, json={"sos_id": KEY})).json()
        assert (again["id"], answer["state"]) == (answer["id"], "raised")
        seen.add(answer["id"])
        await client.post(f"/v1/alarms/{answer['id']}/cancellation", headers=headers)
        clock.advance(timedelta(minutes=11))
    assert len(seen) == 3
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 3


async def test_the_same_sos_sent_several_times_at_once_is_stored_once(client: httpx.AsyncClient) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident)

    answers = await asyncio.gather(*(client.post(SOS, headers=headers, json={"sos_id": KEY}) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 1


async def test_what_is_valid_is_taken(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    headers = await sign_in_resident(scene.resident)
    pressed = clock.now() - timedelta(minutes=3)
    body = {
        "countdown_seconds": 300,
        "occurred_at": pressed.isoformat(),
        "place": {"latitude": 31.23, "longitude": 121.47, "accuracy": "x"},
    }
    made = (await client.post(SOS, headers=headers, json=body)).json()

    assert made["countdown_until"] == (clock.now() + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    detail = (await client.get(f"/v1/alarms/{made['id']}", headers=headers)).json()
    assert detail["place"] == {"latitude": 31.23, "longitude": 121.47, "accuracy": None}
    assert detail["signals"][0]["occurred_at"] == pressed.isoformat().replace("+00:00", "Z")
    assert "31.23" not in await alarms.scalar("SELECT place FROM eldercare_alarm")


async def test_an_expired_token_and_a_device_still_call_for_help(client: httpx.AsyncClient, clock: ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    expired = await sign_in_resident(resident)
    device = await device_headers(resident)
    clock.advance(timedelta(days=3))
    assert (await client.get("/v1/me/alarms", headers=expired)).status_code == 401

    first = await client.post(SOS, headers=expired)
    second = await client.post(SOS, headers=device)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]


async def test_who_was_signed_out_everywhere_still_calls_for_help(client: httpx.AsyncClient) -> None:
    headers = await sign_in_resident(await identity.resident(await identity.community()))
    for session in (await client.get("/v1/me/sessions", headers=headers)).json()["items"]:
        await client.delete(f"/v1/me/sessions/{session['id']}", headers=headers)
    assert (await client.get("/v1/me/alarms", headers=headers)).status_code == 401

    assert (await client.post(SOS, headers=headers)).status_code == 201


async def test_nobody_and_no_resident_get_numbers_to_phone(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    relative = await sign_in(await identity.account(place))

    nobody = await client.post(SOS)
    assert nobody.status_code == 401
    assert nobody.json()["emergency_numbers"]
    refused = await client.post(SOS, headers=relative)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_a_resident")


async def test_without_the_database_it_says_whom_to_phone(client: httpx.AsyncClient, opened: Database) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident)
    service._known.clear()
    assert (await client.get(SOS, headers=headers)).json()["desk_phone"] == "+862155551000"
    try:
        unreachable = databases.open_database("postgresql://nobody@127.0.0.1:1/none", DatabaseSettings(pool_timeout=1))
        answer = await client.post(SOS, headers=headers)
        service._known.clear()
        unknown = await client.post(SOS, headers=headers)
        await unreachable.writing.dispose()
        await unreachable.reading.dispose()
    finally:
        databases._database = opened

    assert (answer.status_code, answer.json()["code"]) == (503, "sos_not_stored")
    assert (answer.json()["desk_phone"], answer.json()["emergency_numbers"]["medical"]) == ("+862155551000", "120")
    assert "Retry-After" in answer.headers
    assert unknown.json()["emergency_numbers"] == {"any": "112"}


@given(
    st.binary(max_size=400)
    | st.dictionaries(st.text(max_size=20), st.integers() | st.text()).map(lambda d: str(d).encode())
)
def test_nothing_is_too_strange_to_be_understood(body: bytes) -> None:
    sos = understand(body, START)

    assert timedelta() <= sos.countdown <= timedelta(seconds=30)
    assert sos.occurred_at <= START


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("sos_id", "countdown_seconds", "occurred_at", "place"), json_values)
    )
)
def test_no_field_is_too_strange_either(fields: dict[str, object]) -> None:
    sos = understand(json.dumps(fields).encode(), START)

    assert timedelta() <= sos.countdown <= timedelta(seconds=30)
    assert START - OLDEST_CALL <= sos.occurred_at <= START


async def test_it_insists_while_that_does_not_keep_anybody_from_phoning(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    async def work() -> None:
        tries.append(len(tries))
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await service.insisting(work)
    assert len(tries) > 2
    tries.clear()
    monkeypatch.setattr(service, "PATIENCE", -1.0)
    with pytest.raises(TimeoutError):
        await service.insisting(work)
    assert len(tries) == 1


async def test_that_others_were_quicker_is_no_refusal(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens to alarms meanwhile, a call for help can be sent again: a refusal is final for a device."""

    async def closed(*_: object) -> None:
        raise AlarmClosed

    monkeypatch.setattr(service, "raise_alarm", closed)
    scene = await alarms.scene()
    answer = await client.post("/v1/me/sos", headers=await sign_in_resident(scene.resident), json={})
    assert (answer.status_code, answer.json()["code"]) == (503, "sos_not_stored"), answer.text
    assert answer.json()["emergency_numbers"]


async def test_a_full_house_is_waited_for_longer_than_a_database_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0.0)
    tries = 0

    async def full() -> str:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise PoolTimeoutError("no connection became free")
        return "stored"

    assert await service.insisting(full) == "stored"


async def test_neither_a_limit_nor_an_old_app_is_a_reason_to_refuse_it(client: httpx.AsyncClient) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident)
    redemption = {"code": "ABCD-EFGH"}
    await client.post("/v1/pairings/redemption", json=redemption)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE core_rate_bucket SET tokens = 0"))
    assert (await client.post("/v1/pairings/redemption", json=redemption)).status_code == 429
    old = headers | {"User-Agent": "hearthline-app/0.0.1", "X-App-Version": "0.0.1"}
    assert {(await client.post(SOS, headers=old)).status_code for _ in range(100)} == {201}
