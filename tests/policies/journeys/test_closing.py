"""A residence does not end while an alarm is open: what people are on the way for is closed by people."""

import uuid
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from app import assembly
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, AlarmState, Severity
from eldercare.check_ins import jobs as check_ins
from telemedicine.consultations.models import CONSULTATIONS
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as care
from tests.factories import identity as make
from tests.factories import telemedicine
from tests.factories.eldercare_alarms import Scene
from tests.factories.sign_in import sign_in, sign_in_resident

DIED = {"reason": "died", "date": "2026-03-02"}


@pytest.fixture
async def scene(database: object, clock: ManualClock) -> Scene:
    return await alarms.scene()


async def operator(scene: Scene) -> dict[str, str]:
    return await sign_in(await make.staff(scene.operator, "operator", name="Office"))


async def test_an_open_alarm_keeps_the_residence_from_ending_until_a_human_resolves_it(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    office, daughter = await operator(scene), await sign_in(scene.circle[0])
    closure = f"/v1/residents/{scene.resident.id}/closure"
    for what in ("", "departure"):
        if what:
            taken = await client.post(f"/v1/alarms/{alarm.id}/{what}", headers=daughter)
            assert taken.status_code == 200, taken.text
        refused = await client.post(closure, json=DIED, headers=office)
        assert (refused.status_code, refused.json()["code"]) == (409, "alarm_open")
    assert (await alarms.current(alarm)).state == AlarmState.EN_ROUTE

    body = {"outcome": "helped"}
    resolved = await client.post(f"/v1/alarms/{alarm.id}/resolution", json=body, headers=daughter)
    assert resolved.status_code == 200, resolved.text
    closed = await client.post(closure, json=DIED, headers=office)
    assert (closed.status_code, closed.json()["state"]) == (201, "deceased"), closed.text


async def test_who_may_not_end_it_does_not_learn_of_the_alarm(client: httpx.AsyncClient, scene: Scene) -> None:
    await alarms.raised(scene.resident)
    proxy = await make.account(scene.community, name="Proxy")
    await make.grant(scene.resident, proxy, ["profile:manage"], kind="proxy")
    closure = f"/v1/residents/{scene.resident.id}/closure"
    assert (await client.post(closure, json=DIED, headers=await sign_in(proxy))).status_code == 403


async def test_who_has_moved_out_and_calls_for_help_reaches_the_desk(client: httpx.AsyncClient, scene: Scene) -> None:
    own = await sign_in_resident(scene.resident)
    closure = f"/v1/residents/{scene.resident.id}/closure"
    body = DIED | {"reason": "moved_out"}
    assert (await client.post(closure, json=body, headers=await operator(scene))).status_code == 201
    called = await client.post("/v1/me/sos", json={"countdown_seconds": 0}, headers=own)
    assert called.status_code == 201, called.text
    await settle(assembly.JOBS)
    alarm_id = uuid.UUID(called.json()["id"])
    assert await alarms.told(alarm_id) == [(1, 4, scene.desk.id)]
    assert (await alarms.current(alarm_id)).state == AlarmState.RAISED
    answered = await client.post(f"/v1/alarms/{called.json()['id']}/acknowledgement", headers=await sign_in(scene.desk))
    assert answered.status_code == 200, answered.text


async def test_nobody_is_alarmed_about_who_has_died_before_the_relay_has_told_of_it(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    await care.plan(scene.resident)
    clock.advance((await care.check_ins(scene.resident))[0].due_at - clock.now())
    await settle(check_ins.JOBS)
    closure = f"/v1/residents/{scene.resident.id}/closure"
    closed = await client.post(closure, json=DIED, headers=await operator(scene))
    assert closed.status_code == 201, closed.text
    clock.advance(timedelta(hours=25))
    await settle(check_ins.JOBS)
    assert [(row.state, row.excuse) for row in await care.check_ins(scene.resident)] == [("excused", "closed")]
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm") == 0

    assert (await client.delete(closure, headers=await operator(scene))).status_code == 200
    await settle(assembly.JOBS)
    assert [row.state for row in await care.check_ins(scene.resident)] == ["excused", "scheduled", "scheduled"]


async def test_nobody_waits_for_who_has_died_in_a_video_visit(client: httpx.AsyncClient, scene: Scene) -> None:
    clinic = await make.organization(scene.community, "clinic")
    await make.agreement(clinic, None, scene.resident)
    clinician = await make.staff(clinic, "clinician")
    async with unit_of_work() as session:
        account = await session.get_one(Account, scene.resident.account_id)
    visit = await telemedicine.consultation(
        telemedicine.Scene(scene.community, scene.resident, account, clinic, clinician)
    )
    closure = f"/v1/residents/{scene.resident.id}/closure"
    assert (await client.post(closure, json=DIED, headers=await operator(scene))).status_code == 201
    async with reading() as connection:
        found = (await connection.execute(sa.select(CONSULTATIONS.c.id, CONSULTATIONS.c.state))).all()
    assert [tuple(row) for row in found] == [(visit.id, "expired")]
