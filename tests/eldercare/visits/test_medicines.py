"""What is to be taken in a visit's time: the carer sees the very doses, records them, and is warned of the rest."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from eldercare.medication import jobs as medication_jobs
from eldercare.visits.models import Visit
from tests.eldercare.visits.conftest import Phone, PhoneOf, Scene
from tests.factories import eldercare_medication as medicines
from tests.factories import eldercare_visits as made
from tests.factories import identity

BY_HAND = {"how": "manual", "reason": "The tag is broken"}


async def arrived(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> tuple[Visit, Phone]:
    """A carer is there from 08:15 until 08:45; tablets are due at 08:00, 08:30 and 08:45."""
    await medicines.regimen(scene.resident, times=["08:00", "08:30", "08:45"])
    visit = await made.single(scene.plan, clock.now() + timedelta(minutes=15), account_id=scene.resident.account_id)
    await made.assign(visit.id, scene.carer)
    clock.set(visit.starts_at + timedelta(minutes=5))
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    return visit, cai


async def count(sql: str) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.text(sql)) or 0)


async def taken_facts() -> int:
    return await count("SELECT count(*) FROM core_event WHERE name = 'eldercare.dose_taken.v1'")


async def test_the_carer_records_the_very_dose_once(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit, cai = await arrived(scene, phone_of, clock)
    shown = await cai("GET", f"/visits/{visit.id}")
    (dose,) = shown["doses"]  # due in its time: from its beginning to before its end
    assert (dose["due_at"], dose["drug_name"], dose["state"]) == ("2026-03-02T08:30:00Z", "Metformin", "scheduled")
    url = f"/visits/{visit.id}/doses/{dose['id']}/record"
    after = await cai("POST", url, {"status": "taken"})
    (recorded,) = after["doses"]
    assert (recorded["state"], recorded["how"], recorded["recorded_by"]) == ("taken", "gave", str(scene.carer.id))
    row = await medicines.dose(recorded["id"])
    assert (row.state, row.recorded_by, row.remind_at, row.close_at) == ("taken", scene.carer.id, None, None)

    clock.advance(timedelta(minutes=1))
    again = await asyncio.gather(*(cai("POST", url, {"status": "taken"}) for _ in range(3)))
    assert [one["doses"] for one in again] == [after["doses"]] * 3
    assert await taken_facts() == 1
    assert await count("SELECT count(*) FROM core_audit_entry WHERE action = 'dose:record'") == 1
    # Anything else than the same is medication's to judge.
    assert (await cai("POST", url, {"status": "skipped", "skip_reason": "refused"}, expect=409))["state"] == "taken"
    twice = await cai("POST", url, {"status": "taken", "confirmed": True})
    assert [one["kind"] for one in twice["doses"]] == ["planned"]
    taken = [one.kind for one in await medicines.doses(scene.resident) if one.state == "taken"]
    assert sorted(taken) == ["extra", "planned"]


async def test_of_two_requests_at_once_one_records_it(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit, cai = await arrived(scene, phone_of, clock)
    (dose,) = (await cai("GET", f"/visits/{visit.id}"))["doses"]
    url = f"/visits/{visit.id}/doses/{dose['id']}/record"
    await asyncio.gather(*(cai("POST", url, {"status": "taken"}) for _ in range(4)))
    assert await taken_facts() == 1


async def test_a_dose_that_was_refused_says_why(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit, cai = await arrived(scene, phone_of, clock)
    (dose,) = (await cai("GET", f"/visits/{visit.id}"))["doses"]
    url = f"/visits/{visit.id}/doses/{dose['id']}/record"
    await cai("POST", url, {"status": "skipped"}, expect=422)
    (after,) = (await cai("POST", url, {"status": "skipped", "skip_reason": "refused", "note": "Nausea"}))["doses"]
    assert (after["state"], after["skip_reason"], after["note"]) == ("skipped", "refused", "Nausea")
    await cai("POST", url, {"status": "skipped", "skip_reason": "refused"})
    assert await count("SELECT count(*) FROM core_event WHERE name = 'eldercare.dose_skipped.v1'") == 1


async def test_what_the_family_recorded_is_done_for_the_carer(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    daughter = await medicines.relative(scene.resident)
    visit, cai = await arrived(scene, phone_of, clock)
    (dose,) = (await cai("GET", f"/visits/{visit.id}"))["doses"]
    clock.advance(timedelta(minutes=12))
    await medicines.record(scene.resident, uuid.UUID(dose["id"]), by=daughter)
    (shown,) = (await cai("GET", f"/visits/{visit.id}"))["doses"]
    assert (shown["state"], shown["recorded_by"]) == ("taken", str(daughter.id))
    refused = await cai("POST", f"/visits/{visit.id}/doses/{dose['id']}/record", {"status": "taken"}, expect=409)
    assert (refused["code"], refused["recorded_by"]) == ("dose_already_recorded", str(daughter.id))
    await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND})  # nothing is open


async def test_whoever_leaves_is_warned_of_doses_nobody_recorded(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit, cai = await arrived(scene, phone_of, clock)
    (dose,) = (await cai("GET", f"/visits/{visit.id}"))["doses"]
    clock.advance(timedelta(minutes=15))
    await medication_jobs.remind()
    refused = await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND}, expect=409)
    assert (refused["code"], refused["task_ids"], refused["dose_ids"]) == ("tasks_open", [], [dose["id"]])
    left = await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND, "unfinished_reason": "Asleep"})
    assert left["state"] == "completed"
    assert (await medicines.dose(dose["id"])).state == "scheduled"  # somebody may yet give it; if not it is missed
    await cai("POST", f"/visits/{visit.id}/doses/{dose['id']}/record", {"status": "taken"}, expect=409)


async def test_only_doses_of_its_time_and_only_while_it_goes_on(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit, cai = await arrived(scene, phone_of, clock)
    early, during, _ = (await medicines.doses(scene.resident))[:3]
    await cai("POST", f"/visits/{visit.id}/doses/{early.id}/record", {"status": "taken"}, expect=404)
    dana = await phone_of(scene.other_carer)
    await dana("POST", f"/visits/{visit.id}/doses/{during.id}/record", {"status": "taken"}, expect=403)
    later = await made.single(scene.plan, clock.now() + timedelta(hours=1), account_id=scene.resident.account_id)
    await made.assign(later.id, scene.other_carer)
    refused = await dana("POST", f"/visits/{later.id}/doses/{during.id}/record", {"status": "taken"}, expect=409)
    assert refused["code"] == "visit_not_open"
    assert (await medicines.dose(during.id)).state == "scheduled"


async def test_who_may_not_see_medicines_sees_none_and_is_not_warned(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit, _ = await arrived(scene, phone_of, clock)
    (during,) = [one for one in await medicines.doses(scene.resident) if one.due_at.minute == 30][:1]
    son = await identity.account(scene.community, name="Bo", phone="+8613800000014")
    await identity.grant(scene.resident, son, ["visits:read"])
    bo = await phone_of(son)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}"
    assert (await bo("GET", url))["doses"] is None
    grace = await phone_of(scene.resident)
    assert [one["id"] for one in (await grace("GET", f"/me/care-visits/{visit.id}"))["doses"]] == [str(during.id)]


async def test_an_agency_without_medication_in_its_agreement_gives_none(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    narrow = await identity.organization(scene.community, "care_agency", name="Narrow")
    await identity.agreement(narrow, ["visits:read", "visits:manage"])
    carer = await identity.staff(narrow, "carer", name="Sam", phone="+8613800000019")
    plan = await made.care_plan(scene.resident, narrow, tasks=[])
    await medicines.regimen(scene.resident)
    visit = await made.single(plan, clock.now() + timedelta(minutes=15), account_id=scene.resident.account_id)
    await made.assign(visit.id, carer)
    clock.set(visit.starts_at)
    sam = await phone_of(carer)
    there: dict[str, Any] = await sam("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    assert there["doses"] is None
    (dose, *_) = await medicines.doses(scene.resident)
    await sam("POST", f"/visits/{visit.id}/doses/{dose.id}/record", {"status": "taken"}, expect=403)
    await sam("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND})
