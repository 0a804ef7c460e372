"""Every attempt to bring somebody a notice is shown, to the recipient and to the staff around the resident."""

from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.database import reading
from app.core.jobs import settle
from app.core.tables import table_of
from notifications.receipts import jobs as receipts
from notifications.sending.jobs import JOBS
from notifications.templates.notices import PATIENCE
from tests.factories import identity
from tests.factories.notifications import deliveries, phone
from tests.factories.sign_in import sign_in
from tests.notifications.notices import PROMPT
from tests.notifications.sending.conftest import Scene
from tests.sinks.fcm import FcmSink

PATIENT = PATIENCE["high"] or timedelta()


async def told(scene: Scene, **options: object) -> str:
    """Send a prompt and return its notice's id."""
    await scene.tell(PROMPT, "prompt", **options)
    await settle(JOBS)
    return str((await deliveries())[0].notice_id)


async def reads() -> int:
    async with reading() as connection:
        entries = table_of(AuditEntry)
        return (
            await connection.scalar(
                sa.select(sa.func.count()).select_from(entries).where(entries.c.action == "notice:read")
            )
            or 0
        )


async def test_the_recipient_sees_every_attempt(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    written = clock.now()
    notice_id = await told(scene)
    clock.advance(PATIENT)
    await settle((*JOBS, *receipts.JOBS))
    headers = await sign_in(scene.relative)
    await client.post(f"/v1/me/inbox/{notice_id}/reading", headers=headers)
    answer = await client.get(f"/v1/notices/{notice_id}", headers=headers)
    assert answer.status_code == 200
    shown = answer.json()
    push, sms = shown.pop("deliveries")
    instant = clock.now().isoformat().replace("+00:00", "Z")
    assert shown == {
        "id": notice_id,
        "notice": "tests.prompt",
        "category": "tests",
        "urgency": "high",
        "account_id": str(scene.relative.id),
        "about": str(scene.resident.id),
        "written_at": written.isoformat().replace("+00:00", "Z"),
        "read_at": instant,
    }
    assert (push["channel"], push["state"], push["error"], push["attempts"]) == ("push", "sent", "no_receipt", 1)
    assert push["opened_at"] == push["delivered_at"] == instant
    assert (sms["channel"], sms["state"], sms["fallback_of"]) == ("sms", "sent", push["id"])
    assert sms["settled_at"] == instant
    assert await reads() == 0


async def test_staff_who_may_see_the_resident_see_it_and_leave_a_trace(client: httpx.AsyncClient, scene: Scene) -> None:
    house = await identity.organization(scene.community, "operator")
    await identity.agreement(house)
    notice_id = await told(scene)
    for number, role in enumerate(("operator", "dispatcher", "coordinator"), 1):
        headers = await sign_in(await identity.staff(house, role, name=role), second_factor=True)
        answer = await client.get(f"/v1/notices/{notice_id}", headers=headers)
        assert (answer.status_code, answer.json()["account_id"]) == (200, str(scene.relative.id))
        assert await reads() == number


async def test_nobody_else_knows_of_it(client: httpx.AsyncClient, scene: Scene) -> None:
    house = await identity.organization(scene.community, "operator")
    strange = await identity.organization(scene.community, "care_agency")
    family = await identity.account(scene.community, name="Bob")
    await identity.grant(scene.resident, family, ["profile:read"])
    notice_id = await told(scene)
    for person in (
        family,
        await identity.staff(house, "operator", name="without an agreement"),
        await identity.staff(strange, "coordinator", name="of another agency"),
        await identity.operator(await identity.community(name="Hillside")),
    ):
        headers = await sign_in(person, second_factor=True)
        assert (await client.get(f"/v1/notices/{notice_id}", headers=headers)).status_code == 404
    assert await reads() == 0


@pytest.mark.parametrize("unknown", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
async def test_an_unknown_notice_is_not_found(client: httpx.AsyncClient, scene: Scene, unknown: str) -> None:
    answer = await client.get(f"/v1/notices/{unknown}", headers=await sign_in(scene.relative))
    assert answer.status_code == 404


async def test_a_notice_about_nobody_is_the_recipients_alone(client: httpx.AsyncClient, scene: Scene) -> None:
    house = await identity.organization(scene.community, "operator")
    await identity.agreement(house)
    notice_id = await told(scene, about=None)
    operator = await sign_in(await identity.staff(house, "operator"), second_factor=True)
    assert (await client.get(f"/v1/notices/{notice_id}", headers=operator)).status_code == 404
    own = await client.get(f"/v1/notices/{notice_id}", headers=await sign_in(scene.relative))
    assert own.status_code == 200
