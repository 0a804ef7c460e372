"""A prescription becomes a regimen only as somebody confirms it; it is replaced without a gap, and ends with it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.events import ResidentClosed, ResidentReopened
from app.identity.models import Resident
from app.policies.reactions.prescriptions.subscribers import SUBSCRIBERS
from eldercare.medication.service import regimens
from eldercare.regimen_proposals import subscribers as proposal_subscribers
from telemedicine.events import PrescriptionSigned
from telemedicine.prescriptions import jobs
from tests.factories import eldercare_medication as made
from tests.factories import identity, sign_in
from tests.policies.journeys.regimens.conftest import PLAN, RAMIPRIL, Plan
from tests.telemedicine.prescriptions.test_prescriptions import IBUPROFEN

# The clinic and the resident are in Shanghai, where it is ten in the morning.
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


async def test_what_is_signed_is_proposed_with_its_words_and_becomes_a_regimen_as_it_is_confirmed(plan: Plan) -> None:
    prescription = await plan.signed()
    scene = plan.desk.scene
    assert await plan.told("regimen_proposed") == {scene.account.id, plan.coordinator.id, plan.daughter.id}
    proposal = await plan.open()
    assert (proposal["prescribed"]["dosage"], proposal["prescribed"]["prescriber"]) == (
        "1 tablet in the morning",
        "Edith",
    )
    assert proposal["suggestion"] == {
        "timing": "times",
        "times": ["08:00"],
        "rrule": None,
        "quantity": 1.0,
        "unit": "{tablet}",
        "starts_on": None,
    }
    assert await plan.desk.seen(plan.resident, "/v1/me/regimens") == []

    regimen = await plan.confirmed(times=["09:30"])
    assert (regimen["prescription_id"], regimen["prescription_version"]) == (
        prescription["id"],
        prescription["version"],
    )
    assert (regimen["state"], regimen["drug"]["name"], regimen["drug"]["code"], regimen["times"]) == (
        "active",
        "Ramipril 5 mg",
        "C09AA05",
        ["09:30"],
    )
    assert regimen["drug"]["instructions"] == "1 tablet in the morning"
    assert (await plan.doses(regimen))[0] == "03 09:30 scheduled"


async def test_words_alone_never_become_times(plan: Plan) -> None:
    await plan.signed(IBUPROFEN | {"dosage": "1 tablet at 08:00 and 20:00, twice a day"})
    proposal = await plan.open()
    assert proposal["suggestion"] is None
    empty = await plan.answer(proposal, "confirmation", {"quantity": 1, "unit": "{tablet}", "starts_on": "2026-03-02"})
    assert empty.status_code == 422


async def test_confirming_twice_or_at_once_makes_one(plan: Plan) -> None:
    await plan.signed()
    proposal = await plan.open()
    others = [await sign_in.sign_in(one) for one in (plan.daughter, plan.coordinator)]
    answers = await asyncio.gather(
        *(plan.answer(proposal, "confirmation", PLAN, who) for who in (plan.resident, *others, plan.resident))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    (regimen,) = await plan.desk.seen(plan.resident, "/v1/me/regimens")
    for refused in (answer.json() for answer in answers if answer.status_code == 409):
        assert (refused["code"], refused["state"], refused["regimen_id"]) == (
            "proposal_answered",
            "confirmed",
            regimen["id"],
        )


async def test_a_new_dose_takes_the_place_of_the_old_one_when_it_is_confirmed(plan: Plan) -> None:
    old = await plan.signed()
    before = await plan.confirmed()
    await plan.later(NOON + timedelta(hours=20))  # eight in the morning: today's is due
    new = await plan.signed(RAMIPRIL | {"dosage": "2 tablets in the evening"}, replaces_id=old["id"])
    proposal = await plan.open()
    assert (proposal["prescription_id"], proposal["replaces_id"]) == (new["id"], before["id"])
    assert (await plan.regimen(before["id"]))["state"] == "active"

    after = await plan.confirmed(quantity=2, times=["20:00"])
    assert (await plan.regimen(before["id"]))["state"] == "stopped"
    # The tablet of this morning is still waited for, so none is planned for this evening besides.
    assert await plan.doses(before) == ["03 08:00 scheduled"]
    assert await plan.doses(after) == ["04 20:00 scheduled"]
    assert await plan.told("prescribed_regimen_ended") == set()


async def test_one_that_begins_later_leaves_the_old_one_until_then(plan: Plan) -> None:
    old = await plan.signed()
    before = await plan.confirmed()
    await plan.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=old["id"])
    after = await plan.confirmed(quantity=2, times=["08:30"], starts_on="2026-03-04")
    assert [(await plan.regimen(one["id"]))["state"] for one in (before, after)] == ["active", "draft"]
    await plan.later(datetime(2026, 3, 3, 15, 59, tzinfo=UTC))
    assert (await plan.regimen(before["id"]))["state"] == "active"
    await plan.later(datetime(2026, 3, 3, 16, 0, tzinfo=UTC))  # midnight
    assert [(await plan.regimen(one["id"]))["state"] for one in (before, after)] == ["stopped", "active"]
    assert [dose[:8] for dose in (*await plan.doses(before), *await plan.doses(after))] == [
        "03 08:00",
        "04 08:30",
        "05 08:30",
    ]


async def test_stopped_the_regimen_ends_and_what_was_due_stays(plan: Plan) -> None:
    prescription = await plan.signed()
    regimen = await plan.confirmed()
    await plan.later(NOON + timedelta(hours=20))
    assert (await plan.doses(regimen))[0] == "03 08:00 scheduled"
    await plan.desk.act(prescription, "stop", {"reason": "It did not help"})
    await plan.settled()
    assert (await plan.regimen(regimen["id"]))["state"] == "stopped"
    assert await plan.doses(regimen) == ["03 08:00 excused"]
    scene = plan.desk.scene
    assert await plan.told("prescribed_regimen_ended") == {scene.account.id, plan.coordinator.id, plan.daughter.id}


async def test_what_nobody_confirmed_is_withdrawn_with_the_prescription(plan: Plan) -> None:
    prescription = await plan.signed()
    proposal = await plan.open()
    await plan.desk.act(prescription, "stop", {"reason": "A slip"})
    # Not even before the plan has heard of it.
    early = await plan.answer(proposal, "confirmation", PLAN)
    assert (early.status_code, early.json()["code"], early.json()["state"]) == (409, "proposal_answered", "withdrawn")
    await plan.settled()
    late = await plan.answer(proposal, "confirmation", PLAN)
    assert (late.status_code, late.json()["state"]) == (409, "withdrawn")
    assert await plan.desk.seen(plan.resident, "/v1/me/regimens") == []


async def test_stopping_the_replacement_stops_what_it_would_have_replaced(plan: Plan) -> None:
    old = await plan.signed()
    before = await plan.confirmed()
    new = await plan.desk.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=old["id"])
    newer = await plan.desk.signed(RAMIPRIL | {"dosage": "3 tablets"}, replaces_id=new["id"])
    await plan.desk.act(newer, "stop", {"reason": "None at all"})
    await plan.settled()  # none of it was heard of before
    assert (await plan.regimen(before["id"]))["state"] == "stopped"
    assert await plan.desk.seen(plan.resident, "/v1/me/regimen-proposals", state="proposed") == []


@pytest.mark.parametrize("supply_days", [28, None])
async def test_it_goes_on_until_what_was_handed_out_is_used_up(plan: Plan, supply_days: int | None) -> None:
    prescription = await plan.signed(RAMIPRIL | {"supply_days": supply_days})
    regimen = await plan.confirmed()
    assert (await plan.desk.act(prescription, "dispense")).json()["status"] == "completed"
    await plan.settled()
    assert (await plan.regimen(regimen["id"]))["state"] == "active"
    lasts = timedelta(days=supply_days or 91)  # counted for 90 days after today where nobody said
    last_day = datetime(2026, 3, 1, 16, 0, tzinfo=UTC) + lasts
    await plan.later(last_day - timedelta(minutes=1))
    assert (await plan.regimen(regimen["id"]))["state"] == "active"
    await plan.later(last_day)
    assert (await plan.regimen(regimen["id"]))["state"] == "stopped"
    assert plan.daughter.id in await plan.told("prescribed_regimen_ended")


async def test_what_expires_without_having_been_handed_out_ends(plan: Plan) -> None:
    await plan.signed(RAMIPRIL | {"valid_until": "2026-03-05"})
    regimen = await plan.confirmed()
    await plan.later(datetime(2026, 3, 5, 16, 0, tzinfo=UTC))
    assert await jobs.expire() == 1
    await plan.settled()
    assert (await plan.regimen(regimen["id"]))["state"] == "stopped"


async def test_who_does_not_take_it_up_says_why_and_the_prescriber_hears(plan: Plan) -> None:
    old = await plan.signed()
    before = await plan.confirmed()
    new = await plan.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=old["id"])
    proposal = await plan.open()
    reader = await sign_in.sign_in(await identity.account(plan.desk.scene.place, name="Walter"))
    assert (await plan.answer(proposal, "rejection", {"reason": "No"}, reader)).status_code == 404
    daughter = await sign_in.sign_in(plan.daughter)
    answer = await plan.answer(proposal, "rejection", {"reason": "She takes half of it already"}, daughter)
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected"), answer.text
    again = await plan.answer(proposal, "rejection", {"reason": "Once more"}, daughter)
    assert (again.status_code, again.json()["code"]) == (409, "proposal_answered")
    (shown,) = [row for row in await plan.desk.seen(plan.desk.clinician, plan.desk.path) if row["id"] == new["id"]]
    assert (shown["objection"]["reason"], shown["objection"]["by"]) == (
        "She takes half of it already",
        str(plan.daughter.id),
    )
    assert await plan.heard("telemedicine.prescription_objected") == [plan.desk.scene.clinician.id]
    assert (await plan.regimen(before["id"]))["state"] == "active"


async def test_what_nobody_answers_is_reminded_of_and_then_a_human_is_called(plan: Plan, clock: ManualClock) -> None:
    operator = await identity.organization(plan.desk.scene.place, "operator")
    dispatcher = await identity.staff(operator, "dispatcher", name="Emmy")
    await plan.signed()
    begun = clock.now()
    await plan.later(begun + timedelta(hours=4))
    assert await plan.told("regimen_proposal_open") == {
        plan.desk.scene.account.id,
        plan.coordinator.id,
        plan.daughter.id,
    }
    assert await plan.told("regimen_proposal_unanswered") == set()
    for day in (1, 2):
        await plan.later(begun + timedelta(days=day))
        assert await plan.told("regimen_proposal_unanswered") == {dispatcher.id}
    assert len(await plan.heard("eldercare.regimen_proposal_unanswered")) == 2
    await plan.confirmed()
    await plan.later(begun + timedelta(days=9))
    assert len(await plan.heard("eldercare.regimen_proposal_unanswered")) == 2


async def test_urgent_ones_are_waited_for_two_hours(plan: Plan, clock: ManualClock) -> None:
    await plan.signed(RAMIPRIL | {"priority": "stat"})
    begun = clock.now()
    await plan.later(begun + timedelta(minutes=30))
    assert len(await plan.heard("eldercare.regimen_proposal_open")) == 3
    assert datetime.fromisoformat((await plan.open())["next_step_at"]) == begun + timedelta(hours=2)


async def test_facts_that_are_told_again_change_nothing(plan: Plan) -> None:
    prescription = await plan.signed()
    regimen = await plan.confirmed()
    scene = plan.desk.scene
    fact = PrescriptionSigned(
        aggregate_id=prescription["id"],
        community_id=scene.place.id,
        resident_id=scene.resident.id,
        organization_id=scene.clinic.id,
        replaces_id=None,
    )
    async with unit_of_work() as session:
        await SUBSCRIBERS[0].handle(session, [fact])
    await plan.settled()
    (only,) = await plan.desk.seen(plan.resident, "/v1/me/regimen-proposals")
    assert (only["state"], only["regimen_id"]) == ("confirmed", regimen["id"])


async def test_whoever_confirms_as_the_clinic_stops_it_leaves_nothing_that_goes_on(plan: Plan) -> None:
    prescription = await plan.signed()
    proposal = await plan.open()
    confirmed, stopped = await asyncio.gather(
        plan.answer(proposal, "confirmation", PLAN), plan.desk.act(prescription, "stop", {"reason": "A slip"})
    )
    assert (stopped.status_code, confirmed.status_code in (200, 409)) == (200, True), confirmed.text
    await plan.settled()
    assert {one["state"] for one in await plan.desk.seen(plan.resident, "/v1/me/regimens")} <= {"stopped"}
    assert await plan.desk.seen(plan.resident, "/v1/me/regimen-proposals", state="proposed") == []


async def test_nobody_is_asked_for_who_has_left_and_again_if_that_was_a_mistake(plan: Plan) -> None:
    await plan.signed()
    scene = plan.desk.scene
    named: dict[str, Any] = {"aggregate_id": scene.resident.id, "community_id": scene.place.id}
    for fact, waits in ((ResidentClosed(**named, reason="moved_out"), False), (ResidentReopened(**named), True)):
        async with unit_of_work() as session:
            await proposal_subscribers.SUBSCRIBERS[0].handle(session, [fact])
        assert ((await plan.open())["next_step_at"] is not None) == waits


async def test_a_prescription_that_overlaps_another_regimen_says_so(plan: Plan) -> None:
    await made.regimen(plan.desk.scene.resident, drug={"name": "Ramipril 5 mg"})
    await plan.signed()
    refused = await plan.answer(await plan.open(), "confirmation", PLAN)
    assert (refused.status_code, refused.json()["code"]) == (409, "regimen_overlaps")
    meant = await plan.answer(await plan.open(), "confirmation", PLAN | {"allow_overlap": True})
    assert meant.status_code == 200


async def test_what_is_replaced_before_it_began_never_begins(plan: Plan) -> None:
    first = await plan.signed()
    running = await plan.confirmed()
    second = await plan.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=first["id"])
    ahead = await plan.confirmed(quantity=2, starts_on="2026-03-04")
    third = await plan.signed(RAMIPRIL | {"dosage": "3 tablets"}, replaces_id=second["id"])
    assert (await plan.open())["replaces_id"] == running["id"]
    assert [(await plan.regimen(one["id"]))["state"] for one in (running, ahead)] == ["active", "stopped"]
    await plan.later(datetime(2026, 3, 3, 16, 0, tzinfo=UTC))
    assert (await plan.regimen(running["id"]))["state"] == "active"
    await plan.desk.act(third, "stop", {"reason": "None at all"})
    await plan.settled()
    assert (await plan.regimen(running["id"]))["state"] == "stopped"


async def test_stopped_before_it_began_neither_the_old_nor_the_new_goes_on(plan: Plan) -> None:
    old = await plan.signed()
    running = await plan.confirmed()
    new = await plan.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=old["id"])
    ahead = await plan.confirmed(quantity=2, starts_on="2026-03-04")
    await plan.desk.act(new, "stop", {"reason": "None at all"})
    await plan.settled()
    assert [(await plan.regimen(one["id"]))["state"] for one in (running, ahead)] == ["stopped", "stopped"]
    await plan.later(datetime(2026, 3, 3, 16, 0, tzinfo=UTC))
    assert await plan.doses(ahead) == []


async def test_one_that_is_put_off_leaves_the_old_one_until_its_new_first_day(plan: Plan) -> None:
    old = await plan.signed()
    before = await plan.confirmed()
    await plan.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=old["id"])
    after = await plan.confirmed(quantity=2, starts_on="2026-03-04")
    await made.change(
        plan.desk.scene.resident,
        after["id"],
        drug={"name": "Ramipril 5 mg"},
        starts_on="2026-03-06",
        time_zone=None,
        allow_overlap=True,
    )
    await plan.later(datetime(2026, 3, 3, 16, 0, tzinfo=UTC))
    assert [(await plan.regimen(one["id"]))["state"] for one in (before, after)] == ["active", "draft"]
    await plan.later(datetime(2026, 3, 5, 16, 0, tzinfo=UTC))
    assert [(await plan.regimen(one["id"]))["state"] for one in (before, after)] == ["stopped", "active"]


async def test_what_was_confirmed_before_the_old_one_resumed_leaves_one(plan: Plan) -> None:
    old = await plan.signed()
    before = await plan.confirmed()
    await plan.signed(RAMIPRIL | {"dosage": "2 tablets"}, replaces_id=old["id"])
    resident = plan.desk.scene.resident
    async with unit_of_work() as session:
        await regimens.close_residents(session, [resident.id])
    # The resident is here again, which the plan has not heard of yet.
    after = await plan.confirmed(quantity=2)
    async with unit_of_work() as session:
        await regimens.reopen_residents(session, [resident.id])
    assert [(await plan.regimen(one["id"]))["state"] for one in (before, after)] == ["stopped", "active"]


async def test_what_was_signed_as_the_resident_left_by_mistake_is_not_forgotten(plan: Plan) -> None:
    scene = plan.desk.scene
    await plan.desk.signed(RAMIPRIL)
    await _become(scene.resident, "moved_out")
    await plan.settled()
    assert await plan.told("regimen_proposed") == set()
    await _become(scene.resident, "active")
    fact = ResidentReopened(aggregate_id=scene.resident.id, community_id=scene.place.id)
    async with unit_of_work() as session:
        await proposal_subscribers.SUBSCRIBERS[0].handle(session, [fact])
    await plan.settled()
    assert plan.daughter.id in await plan.told("regimen_proposal_open")


async def _become(resident: Resident, state: str) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Resident, resident.id)).state = state
