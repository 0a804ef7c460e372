"""Asking for a prescription again: whoever signed it is told, and the answer reaches who asked."""

import asyncio
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.events import ResidentReopened
from app.identity.models import Grant, Membership, Resident
from notifications.inbox.models import INBOX
from telemedicine.prescriptions import jobs
from telemedicine.prescriptions.subscribers import SUBSCRIBERS
from tests.factories import identity, sign_in
from tests.telemedicine.prescriptions.conftest import Body, Desk
from tests.telemedicine.prescriptions.test_prescriptions import IBUPROFEN


async def told(notice: str) -> set[str]:
    async with unit_of_work() as session:
        statement = sa.select(INBOX.c.account_id).where(INBOX.c.notice_key == f"telemedicine.{notice}")
        return {str(account_id) for account_id in await session.scalars(statement)}


async def requested(desk: Desk, prescription: Body) -> Body:
    path = f"/v1/me/prescriptions/{prescription['id']}/renewal-requests"
    answer = await desk.ask(desk.resident, path, {"note": "Three left"})
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()
    return found


async def answered(desk: Desk, request: Body, **body: object) -> Body:
    path = f"/v1/residents/{desk.scene.resident.id}/renewal-requests/{request['id']}/answer"
    answer = await desk.ask(desk.clinician, path, body)
    assert answer.status_code in (200, 409), answer.text
    found: Body = answer.json()
    return found


async def test_a_request_is_answered_by_a_draft_that_is_still_to_be_signed(desk: Desk) -> None:
    old = await desk.signed(IBUPROFEN | {"valid_until": "2026-03-05"})
    request = await requested(desk, old)
    assert await told("renewal_requested") == {str(desk.scene.clinician.id)}
    clinics = f"/v1/clinics/{desk.scene.clinic.id}/renewal-requests"
    assert [row["note"] for row in await desk.seen(desk.clinician, clinics)] == ["Three left"]

    granted = await answered(desk, request, granted=True)
    assert granted["state"] == "granted"
    assert await told("renewal_answered") == {str(desk.scene.account.id)}
    assert await desk.seen(desk.clinician, clinics) == []
    assert [row["state"] for row in await desk.seen(desk.resident, "/v1/me/renewal-requests")] == ["granted"]
    assert [row["id"] for row in await desk.seen(desk.resident, "/v1/me/prescriptions")] == [old["id"]]
    signed = await desk.act({"id": granted["draft_id"]}, "signature")
    assert (signed.status_code, signed.json()["replaces_id"]) == (200, old["id"]), signed.text
    assert signed.json()["content"]["valid_until"] is None
    again = await answered(desk, request, granted=False)
    assert again["code"] == "renewal_answered"


async def test_it_is_asked_once_until_it_is_answered(desk: Desk) -> None:
    prescription = await desk.signed(IBUPROFEN)
    path = f"/v1/me/prescriptions/{prescription['id']}/renewal-requests"
    answers = await asyncio.gather(*(desk.ask(desk.resident, path) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    (request,) = await desk.seen(desk.resident, "/v1/me/renewal-requests")
    declined = await answered(desk, request, granted=False, reason="Please come by first")
    assert (declined["state"], declined["answer"], declined["draft_id"]) == (
        "declined",
        "Please come by first",
        None,
    )
    assert (await desk.ask(desk.resident, path)).status_code == 201


@pytest.mark.parametrize("is_let", [True, False])
async def test_a_relative_who_asked_hears_of_it_as_long_as_they_may(desk: Desk, *, is_let: bool) -> None:
    prescription = await desk.signed(IBUPROFEN)
    relative = await identity.account(desk.scene.place, name="Daughter")
    grant = await identity.grant(desk.scene.resident, relative, ["records:read", "records:write"])
    asked = await desk.ask(await sign_in.sign_in(relative), f"{desk.path}/{prescription['id']}/renewal-requests")
    assert asked.status_code == 201, asked.text
    if not is_let:
        async with unit_of_work() as session:
            (await session.get_one(Grant, grant.id)).revoked_at = clocks.now()
    await answered(desk, asked.json(), granted=False, reason="Please come by first")
    hear = {str(desk.scene.account.id), *([str(relative.id)] if is_let else [])}
    assert await told("renewal_answered") == hear


async def test_when_the_signer_has_left_their_colleagues_hear(desk: Desk) -> None:
    prescription = await desk.signed(IBUPROFEN)
    colleague = await identity.staff(desk.scene.clinic, "clinician", name="Rosalind")
    async with unit_of_work() as session:
        left = sa.update(Membership).where(col(Membership.account_id) == desk.scene.clinician.id)
        await session.execute(left.values(ended_at=clocks.now()))
    await requested(desk, prescription)
    assert await told("renewal_requested") == {str(colleague.id)}


async def test_a_clinic_that_has_not_seen_them_for_a_year_is_not_asked_in_vain(desk: Desk, clock: ManualClock) -> None:
    prescription = await desk.signed(IBUPROFEN)
    clock.advance(timedelta(days=367))
    headers = await sign_in.sign_in(desk.scene.account)
    answer = await desk.ask(headers, f"/v1/me/prescriptions/{prescription['id']}/renewal-requests")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_seen_lately")


async def test_clinics_answer_and_do_not_ask(desk: Desk) -> None:
    prescription = await desk.signed(IBUPROFEN)
    asked = await desk.act(prescription, "renewal-requests")
    assert (asked.status_code, asked.json()["code"]) == (403, "for_patients")
    await desk.act(prescription, "stop", {"reason": "Enough"})
    late = await desk.ask(desk.resident, f"/v1/me/prescriptions/{prescription['id']}/renewal-requests")
    assert (late.status_code, late.json()["code"]) == (409, "prescription_status")
    stranger = await sign_in.sign_in_resident(await identity.resident(desk.scene.place, name="Walter"))
    theirs = await desk.ask(stranger, f"/v1/me/prescriptions/{prescription['id']}/renewal-requests")
    assert theirs.status_code == 404


async def test_a_request_nobody_answers_reaches_the_whole_clinic_and_then_its_coordinators(
    desk: Desk, clock: ManualClock
) -> None:
    colleague = await identity.staff(desk.scene.clinic, "clinician", name="Rosalind")
    coordinator = await identity.staff(desk.scene.clinic, "coordinator", name="Chien-Shiung")
    request = await requested(desk, await desk.signed(IBUPROFEN))
    clock.advance(timedelta(hours=24))
    assert await jobs.escalate() == 1
    assert await told("renewal_waiting") == {str(desk.scene.clinician.id), str(colleague.id)}
    assert await told("renewal_delayed") == set()
    clock.advance(timedelta(hours=24))
    assert await jobs.escalate() == 1
    assert str(coordinator.id) in await told("renewal_waiting")
    assert await told("renewal_delayed") == {str(desk.scene.account.id)}
    clock.advance(timedelta(hours=72))
    assert await jobs.escalate() == 1
    assert await times(coordinator.id, "renewal_waiting") == 2
    assert await times(desk.scene.account.id, "renewal_delayed") == 1
    desk.clinician = await sign_in.sign_in(desk.scene.clinician, second_factor=True)
    answer = await answered(desk, request, granted=False, reason="Please come by first")
    assert answer["next_step_at"] is None
    clock.advance(timedelta(days=30))
    assert await jobs.escalate() == 0


async def test_where_a_clinic_has_nobody_the_duty_desk_hears_and_nobody_of_who_has_left(
    desk: Desk, clock: ManualClock
) -> None:
    operator = await identity.organization(desk.scene.place, "operator")
    dispatcher = await identity.staff(operator, "dispatcher", name="Emmy")
    await requested(desk, await desk.signed(IBUPROFEN))
    for _ in range(2):
        clock.advance(timedelta(hours=24))
        assert await jobs.escalate() == 1
    assert str(dispatcher.id) in await told("renewal_waiting")
    async with unit_of_work() as session:
        gone = sa.update(Resident).where(col(Resident.id) == desk.scene.resident.id)
        await session.execute(gone.values(state="deceased"))
    for due in (1, 0):
        clock.advance(timedelta(hours=72))
        assert await jobs.escalate() == due
    assert await times(dispatcher.id, "renewal_waiting") == 1
    # That was a mistake: they are here after all.
    async with unit_of_work() as session:
        await session.execute(gone.values(state="active"))
        fact = ResidentReopened(aggregate_id=desk.scene.resident.id, community_id=desk.scene.place.id)
        await SUBSCRIBERS[0].handle(session, [fact])
    assert await jobs.escalate() == 1
    assert await times(dispatcher.id, "renewal_waiting") == 2


async def times(account_id: uuid.UUID, notice: str) -> int:
    async with unit_of_work() as session:
        statement = sa.select(sa.func.count()).where(
            INBOX.c.account_id == account_id, INBOX.c.notice_key == f"telemedicine.{notice}"
        )
        return await session.scalar(statement) or 0
