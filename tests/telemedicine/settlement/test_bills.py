"""A bill from the visit to the last payment: who sees it, what it says, and that it is never changed."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading
from notifications.delivery.models import Delivery
from telemedicine.settlement.models import BillChange
from tests.factories import identity, sign_in
from tests.telemedicine.settlement.conftest import Desk, work


async def _told(account: object) -> list[str]:
    async with reading() as connection:
        found = await connection.execute(sa.select(Delivery.notice_key).where(Delivery.account_id == account))  # type: ignore[call-overload]  # SQLModel's columns
        return [row.notice_key for row in found]


async def test_a_visit_is_billed_claimed_paid_and_settled(desk: Desk) -> None:
    bill = await desk.issued("visit", "private-room", "vaccination")
    assert (bill["state"], bill["total_amount"]) == ("issued", 28_000)
    asked = await desk.claimed(bill)
    # 15,000 less a deductible of 10,000, at 60 + 10 %; the room is excluded, the vaccination paid in full.
    assert (asked["state"], asked["decision"], asked["insured_amount"]) == ("due", "partial", 6_500)
    assert [line["insured_amount"] for line in asked["lines"]] == [3_500, 0, 3_000]
    assert (asked["own_amount"], asked["charge"]["amount"]) == (21_500, 21_500)
    assert await _told(desk.scene.account.id) == ["telemedicine.own_share_due"]
    mine = await desk.seen(f"/v1/me/bills/{bill['id']}", desk.resident)
    assert mine["explanation"]["en"][0] == (
        "The bill comes to CN¥280.00. Your insurer pays CN¥65.00; CN¥215.00 is for you to pay."
    )
    assert mine["explanation"]["zh-CN"][2] == "private-room：不在医保目录内，由您自付。"
    part = await desk.pay(asked, 21_000)
    assert part.status_code == 201, part.text
    await work()
    assert (await desk.bill(bill))["state"] == "due"
    assert (await desk.pay(asked, 501)).json()["code"] == "too_much_paid"
    assert (await desk.pay(asked, 500, kind="terminal", reference="T-1")).status_code == 201
    await work()
    settled = await desk.bill(bill)
    assert (settled["state"], settled["charge"]["state"]) == ("settled", "paid")
    assert [change["state"] for change in settled["changes"]] == ["issued", "claimed", "partial", "due", "settled"]
    assert [change["changed_by"] for change in settled["changes"]] == [str(desk.coordinator.id)] * 2 + [None] * 3


async def test_a_payment_that_is_given_back_makes_the_share_due_again(desk: Desk) -> None:
    bill = await desk.issued()
    due = await desk.did(f"bills/{bill['id']}/own-share")
    assert (due["state"], due["own_amount"]) == ("due", 15_000)
    paid = (await desk.pay(due, 15_000)).json()
    await work()
    assert await desk.refused(f"bills/{bill['id']}/credit", {"reason": "wrong"}) == (409, "payments_to_refund")
    charge = f"/v1/organizations/{desk.scene.clinic.id}/charges/{due['charge']['id']}"
    refund = await desk.post(f"{charge}/payments/{paid['id']}/refunds", {"amount": 15_000, "reason": "wrong"})
    assert (refund.status_code, refund.json()["refunds_id"]) == (201, paid["id"])
    await work()
    assert (await desk.bill(bill))["state"] == "due"
    void = await desk.did(f"bills/{bill['id']}/credit", {"reason": "wrong"})
    assert (void["state"], void["charge"]) == ("void", None)
    assert (await desk.pay(due, 1)).json()["code"] == "charge_not_open"


async def test_a_visit_is_billed_once_and_only_if_it_took_place(desk: Desk) -> None:
    origin = await desk.held()
    both = await asyncio.gather(*(desk.post(f"{desk.path}/bills", origin) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [201, 409]
    assert {answer.json().get("code") for answer in both} == {None, "billed_already"}
    assert await desk.refused("bills", await desk.held(status="booked")) == (409, "not_served")
    other = await identity.organization(desk.scene.place, "clinic")
    stranger = await sign_in.sign_in(await identity.staff(other, "coordinator"), second_factor=True)
    answer = await desk.post(f"/v1/clinics/{other.id}/bills", origin, stranger)
    assert answer.json()["code"] == "no_billing_terms"
    assert await desk.refused("bills", await desk.held() | {"lines": [{"code": "nothing"}]}) == (409, "no_price")


async def test_the_price_is_that_of_the_day_of_the_visit(desk: Desk, clock: ManualClock) -> None:
    await desk.price("visit", 20_000, visit_type_id=str(desk.visit_type.id))
    assert (await desk.refused("charge-items", {"code": "visit", "name": {"en": "V", "zh-CN": "V"}, "amount": 1}))[
        1
    ] == ("price_in_past")
    before = await desk.did("bills", await desk.held(days=1))
    clock.advance(timedelta(days=2))
    desk.clinic = await sign_in.sign_in(desk.coordinator, second_factor=True)
    after = await desk.did("bills", await desk.held(days=1))
    assert [before["total_amount"], after["total_amount"]] == [15_000, 20_000]
    listed = await desk.seen(f"{desk.path}/charge-items")
    assert [(item["code"], item["amount"]) for item in listed["items"]] == [
        ("private-room", 10_000),
        ("vaccination", 3_000),
        ("visit", 20_000),
    ]


async def test_what_is_issued_never_changes_and_is_billed_anew_instead(desk: Desk) -> None:
    drafted = await desk.did("bills", await desk.held())
    path = f"{desk.path}/bills/{drafted['id']}/lines"
    redrafted = await desk.client.put(path, headers=desk.clinic, json={"lines": [{"code": "vaccination"}]})
    assert redrafted.json()["total_amount"] == 3_000
    hidden = await desk.client.get(f"/v1/me/bills/{drafted['id']}", headers=desk.resident)
    assert hidden.status_code == 404
    await desk.did(f"bills/{drafted['id']}/issue")
    refused = await desk.client.put(path, headers=desk.clinic, json={"lines": [{"code": "visit"}]})
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_state")
    again = await desk.did(f"bills/{drafted['id']}/credit", {"reason": "twice", "reissue": True})
    assert (again["state"], again["replaces_id"], again["total_amount"]) == ("draft", drafted["id"], 3_000)
    assert (await desk.bill(drafted))["changes"][-1]["reason"] == "twice"
    mine = await desk.seen("/v1/me/bills", desk.resident)
    assert [(one["id"], one["state"]) for one in mine["items"]] == [(drafted["id"], "void")]


async def test_who_issues_a_draft_issues_the_lines_they_saw(desk: Desk) -> None:
    await desk.price("other", 3_000, valid_from=(clocks.now() - timedelta(days=9)).isoformat())
    drafted = await desk.did("bills", await desk.held() | {"lines": [{"code": "vaccination"}]})
    path = f"{desk.path}/bills/{drafted['id']}"
    other = await desk.client.put(f"{path}/lines", headers=desk.clinic, json={"lines": [{"code": "other"}]})
    assert (other.status_code, other.json()["total_amount"]) == (200, 3_000)
    stale = desk.clinic | {"If-Match": f'"{drafted["version"]}"'}
    assert (await desk.client.post(f"{path}/issue", headers=stale)).status_code == 412


async def test_what_costs_nothing_is_settled_without_a_charge(desk: Desk) -> None:
    await desk.price("courtesy", 0, valid_from=(clocks.now() - timedelta(days=9)).isoformat())
    bill = await desk.did(f"bills/{(await desk.issued('courtesy'))['id']}/own-share")
    assert (bill["state"], bill["charge"]) == ("settled", None)


async def test_only_whom_the_resident_lets_and_the_clinic_see_a_bill(desk: Desk) -> None:
    bill = await desk.issued()
    relative = await identity.account(desk.scene.place, name="Rose")
    theirs = f"/v1/residents/{desk.scene.resident.id}/bills"
    headers = await sign_in.sign_in(relative)
    assert (await desk.client.get(theirs, headers=headers)).status_code == 404
    await identity.grant(desk.scene.resident, relative, ["bills:read"])
    assert (await desk.seen(theirs, headers))["items"][0]["id"] == bill["id"]
    clinician = await sign_in.sign_in(desk.scene.clinician, second_factor=True)
    for who in (clinician, desk.clinic):  # at the clinic, and only to those who bill
        assert (await desk.client.get(theirs, headers=who)).status_code == 403
    assert (await desk.client.get(f"{desk.path}/bills", headers=clinician)).status_code == 403
    other = await identity.staff(await identity.organization(desk.scene.place, "clinic"), "coordinator")
    elsewhere = await sign_in.sign_in(other, second_factor=True)
    assert (await desk.client.get(f"{desk.path}/bills/{bill['id']}", headers=elsewhere)).status_code == 404
    listed = await desk.seen(f"{desk.path}/bills?state=issued")
    assert [one["id"] for one in listed["items"]] == [bill["id"]]
    assert (await desk.seen(f"{desk.path}/bills?state=due"))["items"] == []


async def test_a_bill_that_is_paid_as_it_is_taken_back_is_one_or_the_other(desk: Desk) -> None:
    due = await desk.did(f"bills/{(await desk.issued())['id']}/own-share")
    paid, credited = await asyncio.gather(
        desk.pay(due, 15_000), desk.post(f"{desk.path}/bills/{due['id']}/credit", {"reason": "wrong"})
    )
    await work()
    found = await desk.bill(due)
    outcomes = {(201, 409): "settled", (409, 200): "void"}
    assert found["state"] == outcomes[paid.status_code, credited.status_code]
    async with reading() as connection:
        states = await connection.scalars(sa.select(BillChange.state).order_by(BillChange.id))  # type: ignore[call-overload]  # SQLModel's columns
        assert list(states)[-1] == found["state"]


async def test_the_bills_of_who_moves_out_or_is_erased_are_still_settled(desk: Desk) -> None:
    claimed, owed, wrong, asked = [await desk.issued(days=days) for days in (1, 2, 3, 4)]
    await desk.did(f"bills/{claimed['id']}/claims")
    office = await sign_in.sign_in(await identity.operator(desk.scene.place), second_factor=True)
    closure = f"/v1/residents/{desk.scene.resident.id}/closure"
    given = {"reason": "moved_out", "date": "2026-03-02"}
    assert (await desk.client.post(closure, headers=office, json=given)).status_code == 201
    await work()
    assert (await desk.bill(claimed))["state"] == "due"
    await desk.did(f"bills/{asked['id']}/claims")
    assert (await desk.client.delete("/v1/me", headers=desk.resident)).status_code == 204
    await work()
    due = await desk.did(f"bills/{owed['id']}/own-share")
    assert due["charge"]["amount"] == 15_000
    assert (await desk.pay(due, 15_000)).status_code == 201
    await desk.did(f"bills/{wrong['id']}/credit", {"reason": "wrong visit"})
    await work()
    assert [(await desk.bill(one))["state"] for one in (owed, wrong, asked)] == ["settled", "void", "issued"]
