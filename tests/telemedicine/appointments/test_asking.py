"""A clinic that keeps its own diary: asked, answering, called where it does not; the time is kept meanwhile, once."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account
from telemedicine.appointments import jobs, rules
from telemedicine.clinics.models import Clinic
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Body, Desk, at, no_drift, work
from tests.telemedicine.appointments.test_booking import Headers, crowd
from tests.telemedicine.appointments.test_reminders import told as deliveries
from tests.telemedicine.appointments.test_waitlist import TUESDAYS, fill, join, waits

LATER = date(2026, 3, 10)
_INSTANTS = st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(1_500_000_000 + seconds, UTC))


async def own_diary(desk: Desk, **values: Any) -> None:
    """Have the clinic keep its own diary from now on."""
    async with unit_of_work() as session:
        row = await session.get_one(Clinic, desk.scene.clinic.id)
        row.owns_diary = True
        for name, value in values.items():
            setattr(row, name, value)


@pytest.fixture
async def asked(desk: Desk) -> Body:
    """Return what the clinic is asked for: Tuesday in a week."""
    await own_diary(desk)
    return await desk.booked(desk.scene.resident, at("09:00", LATER))


async def on(desk: Desk, clock: ManualClock, to: datetime | timedelta) -> None:
    """Let time pass, and everybody sign in again."""
    clock.set(to if isinstance(to, datetime) else clock.now() + to)
    object.__setattr__(desk.scene, "keeper", await sign_in.sign_in(desk.scene.keepers_account, second_factor=True))
    object.__setattr__(desk.scene, "resident", await sign_in.sign_in_resident(desk.scene.grace))


async def told() -> set[str]:
    """Return what was written for people."""
    return set(await deliveries())


async def answer(desk: Desk, appointment: Body, headers: Headers | None = None, **said: Any) -> Body:
    return await desk.act(headers or desk.scene.keeper, appointment["id"], "answer", {"answer": "accepted"} | said)


async def shown(desk: Desk, appointment: Body) -> Body:
    return await desk.get(f"/appointments/{appointment['id']}", desk.scene.resident)


async def refused(desk: Desk, appointment: Body, headers: Headers, action: str, **body: Any) -> tuple[int, str]:
    response = await desk.post(f"/appointments/{appointment['id']}/{action}", headers, body)
    return response.status_code, response.json()["code"]


async def test_what_is_asked_for_is_kept_and_booked_by_the_clinics_yes(
    desk: Desk, asked: Body, clock: ManualClock
) -> None:
    assert (asked["status"], asked["awaits"], asked["consultation_id"]) == ("pending", "clinic", None)
    assert asked["asked_at"] is not None
    await on(desk, clock, timedelta(hours=1))  # the five minutes of a hold are long over
    await work()
    (other,) = await crowd(desk.scene, 1)
    assert (await desk.ask(other, at("09:00", LATER))).status_code == 409
    again = await desk.act(desk.scene.resident, asked["id"], "confirmation")  # to say so again changes nothing
    assert (again["status"], again["version"]) == ("pending", asked["version"])
    assert await refused(desk, asked, desk.scene.resident, "answer", answer="accepted") == (403, "forbidden")
    booked = await answer(desk, asked)
    assert (booked["status"], booked["awaits"], booked["hold_until"]) == ("booked", None, None)
    assert booked["consultation_id"] is not None
    assert await answer(desk, asked) == booked
    assert await refused(desk, asked, desk.scene.keeper, "answer", answer="declined") == (409, "appointment_status")
    assert await told() == {"appointment_requested", "appointment_booked"}
    await no_drift()


async def test_nobody_is_reminded_of_what_is_not_booked(desk: Desk, asked: Body, clock: ManualClock) -> None:
    await on(desk, clock, at("09:00", LATER) - timedelta(days=6))
    assert await jobs.remind() == 0
    await answer(desk, asked)
    clock.set(at("09:00", LATER) - timedelta(days=1))
    assert await jobs.remind() == 1


async def test_two_that_are_asked_for_are_no_holds_that_have_to_be_confirmed_first(desk: Desk, asked: Body) -> None:
    await desk.booked(desk.scene.resident, at("10:00", LATER))
    assert (await desk.held(desk.scene.resident, at("11:00", LATER)))["awaits"] == "patient"


async def test_what_the_clinic_books_itself_is_booked(desk: Desk) -> None:
    await own_diary(desk)
    await identity.agreement(desk.scene.organization, None, desk.scene.grace)
    held = await desk.held(desk.scene.keeper, at("09:00"), resident_id=desk.scene.grace.id)
    assert (await desk.act(desk.scene.keeper, held["id"], "confirmation"))["status"] == "booked"


async def test_a_practitioners_diary_can_be_another_one_than_the_clinics(desk: Desk) -> None:
    await own_diary(desk)
    body: Body = {"name": "Dr Lin", "licence_number": "L-1", "licence_valid_until": "2099-12-31", "languages": ["en"]}
    path = f"{desk.scene.path}/practitioners/{desk.scene.practitioner.id}"
    body |= {"specialties": ["cardiology"], "owns_diary": False}
    saved = await desk.client.put(path, json=body, headers=desk.scene.keeper)
    assert saved.json()["practitioner"]["owns_diary"] is False
    assert (await desk.booked(desk.scene.resident, at("09:00")))["status"] == "booked"


async def test_a_clinic_says_that_the_diary_is_its_own_and_how_long_it_takes(desk: Desk) -> None:
    body = {"time_zone": "Asia/Shanghai", "owns_diary": True, "answer_within": "PT2H"}
    saved = await desk.client.put(desk.scene.path, json=body, headers=desk.scene.keeper)
    assert {name: saved.json()["clinic"][name] for name in body} == body
    bad = await desk.client.put(desk.scene.path, json=body | {"answer_within": "PT1M"}, headers=desk.scene.keeper)
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/body/answer_within")


async def test_what_is_declined_is_free_again_and_the_reason_is_the_residents_to_read(desk: Desk, asked: Body) -> None:
    declined = await answer(desk, asked, answer="declined", reason="the doctor is away")
    assert (declined["status"], declined["fee"]["amount"]) == ("cancelled", 0)
    detail = await shown(desk, asked)
    assert (detail["cancelled_by"], detail["cancel_reason"]) == ("clinic", "the doctor is away")
    assert await told() == {"appointment_requested", "appointment_declined"}
    (other,) = await crowd(desk.scene, 1)
    await desk.held(other, at("09:00", LATER))
    assert await refused(desk, asked, desk.scene.keeper, "answer", answer="accepted") == (409, "appointment_status")
    await no_drift()


async def test_another_time_is_proposed_kept_and_taken_with_one_tap(
    desk: Desk, asked: Body, clock: ManualClock
) -> None:
    ten = at("10:00", LATER)
    proposed = await answer(desk, asked, answer="tentative", starts_at=ten.isoformat())
    assert (proposed["status"], proposed["awaits"]) == ("proposed", "patient")
    assert datetime.fromisoformat(proposed["starts_at"]) == ten
    (other,) = await crowd(desk.scene, 1)
    await desk.held(other, at("09:00", LATER))  # what was asked for is free
    assert (await desk.ask(other, ten)).status_code == 409
    await on(desk, clock, timedelta(hours=20))
    await work()
    booked = await desk.act(desk.scene.resident, asked["id"], "confirmation")
    assert (booked["status"], booked["awaits"]) == ("booked", None)
    assert await told() == {"appointment_requested", "appointment_reproposed", "appointment_booked"}
    await no_drift()


async def test_what_is_proposed_and_not_taken_lapses(desk: Desk, asked: Body, clock: ManualClock) -> None:
    await answer(desk, asked, answer="tentative", starts_at=at("10:00", LATER).isoformat())
    await on(desk, clock, rules.CHOICE)
    await work()
    assert (await shown(desk, asked))["cancelled_by"] == "nobody"
    assert await told() == {"appointment_requested", "appointment_reproposed", "appointment_lapsed"}


@pytest.mark.parametrize(
    "said",
    [
        {"answer": "tentative"},
        {"answer": "accepted", "starts_at": "2026-03-10T02:00:00Z"},
        {"answer": "accepted", "reason": "gladly"},
        {"answer": "tentative", "starts_at": "2026-03-10T01:00:00Z"},
        {"answer": "needs-action"},
    ],
    ids=lambda said: "-".join(said.values()),
)
async def test_an_answer_is_one_thing(desk: Desk, asked: Body, said: Body) -> None:
    assert (await refused(desk, asked, desk.scene.keeper, "answer", **said))[0] == 422
    assert (await shown(desk, asked))["version"] == asked["version"]


async def test_who_does_not_answer_is_reminded_then_the_desk_is_called_and_the_resident_hears_of_it(
    desk: Desk, asked: Body, clock: ManualClock
) -> None:
    await identity.staff(await identity.organization(desk.scene.place, "operator"), "dispatcher")
    await on(desk, clock, timedelta(hours=4))
    await asyncio.gather(jobs.call(), jobs.call())
    assert (await shown(desk, asked))["called"] == "clinic"
    assert await told() == {"answer_due", "appointment_requested", "appointment_unanswered"}
    await on(desk, clock, timedelta(hours=4))
    await asyncio.gather(jobs.call(), jobs.call())
    assert (await shown(desk, asked))["called"] == "desk"
    assert {"answer_due", "answer_overdue", "appointment_followed_up"} <= await told()
    assert await jobs.call() == 0
    assert (await answer(desk, asked))["status"] == "booked"  # late is better than never
    assert "appointment_booked" in await told()


async def test_where_there_is_no_desk_the_clinic_is_called_again_and_nobody_is_said_to_ring_it(
    desk: Desk, asked: Body, clock: ManualClock
) -> None:
    await on(desk, clock, timedelta(hours=4))
    await jobs.call()
    await on(desk, clock, timedelta(hours=4))
    await jobs.call()
    assert (await shown(desk, asked))["called"] == "clinic"
    assert {"answer_due", "answer_overdue", "appointment_unanswered"} <= await told()
    assert "appointment_followed_up" not in await told()
    assert await jobs.call() == 0


async def test_a_worker_that_was_down_calls_both_at_once(desk: Desk, asked: Body, clock: ManualClock) -> None:
    await identity.staff(await identity.organization(desk.scene.place, "operator"), "dispatcher")
    await on(desk, clock, timedelta(days=2))
    assert await jobs.call() == 1
    assert {"answer_due", "answer_overdue", "appointment_followed_up"} <= await told()


async def test_a_worker_that_was_down_until_it_was_over_calls_nobody(
    desk: Desk, asked: Body, clock: ManualClock
) -> None:
    clock.set(datetime.fromisoformat(asked["hold_until"]))
    assert await jobs.call() == 1
    assert await jobs.expire() == 1
    assert await told() == {"appointment_requested", "appointment_lapsed"}


async def test_where_nobody_keeps_the_clinic_the_desk_is_called_at_once(desk: Desk, clock: ManualClock) -> None:
    place = desk.scene.place
    await identity.staff(await identity.organization(place, "operator"), "operator")
    clinic = await clinics.clinic(place)
    await own_diary(desk)
    async with unit_of_work() as session:
        row = await session.get_one(Clinic, clinic.id)
        row.owns_diary = True
    nobody = await clinics.practitioner(clinic)
    await clinics.hours(nobody, range(1, 6), "09:00", "12:00")
    of_type = await clinics.visit_type(clinic)
    await desk.booked(desk.scene.resident, at("09:00", LATER), practitioner_id=nobody.id, visit_type_id=of_type.id)
    await on(desk, clock, timedelta(hours=4))
    await jobs.call()
    assert "answer_overdue" in await told()
    assert "answer_due" not in await told()


async def test_what_nobody_answers_is_let_go_in_time_and_a_late_answer_is_told_so(
    desk: Desk, asked: Body, clock: ManualClock
) -> None:
    until = datetime.fromisoformat(asked["hold_until"])
    assert until == at("09:00", LATER) - rules.LAPSES_BEFORE
    await on(desk, clock, until)  # the job has yet to run
    late = (409, "answer_too_late")
    assert await refused(desk, asked, desk.scene.keeper, "answer", answer="accepted") == late
    assert await refused(desk, asked, desk.scene.keeper, "cancellation") == late
    assert (await shown(desk, asked))["status"] == "cancelled"
    await work()
    for said in ({"answer": "accepted"}, {"answer": "declined"}):
        assert await refused(desk, asked, desk.scene.keeper, "answer", **said) == late
    assert "appointment_lapsed" in await told()
    (other,) = await crowd(desk.scene, 1)
    await desk.held(other, at("09:00", LATER))
    await no_drift()


async def test_who_calls_off_what_they_asked_for_owes_nothing(desk: Desk, asked: Body) -> None:
    ended = await desk.act(desk.scene.resident, asked["id"], "cancellation")
    assert (ended["status"], ended["fee"]["amount"]) == ("cancelled", 0)
    assert await refused(desk, asked, desk.scene.keeper, "answer", answer="accepted") == (409, "appointment_status")
    assert await told() == {"appointment_requested"}
    await no_drift()


async def test_who_moves_what_is_booked_asks_the_clinic_again(desk: Desk, asked: Body, clock: ManualClock) -> None:
    await answer(desk, asked)
    clock.advance(timedelta(minutes=1))
    where = {"starts_at": at("10:30", LATER).isoformat()}
    moved = await desk.act(desk.scene.resident, asked["id"], "move", where)
    assert (moved["status"], moved["awaits"], moved["sequence"]) == ("pending", "clinic", 1)
    (other,) = await crowd(desk.scene, 1)
    await desk.held(other, at("09:00", LATER))
    assert (await desk.ask(other, at("10:30", LATER))).status_code == 409
    once_more = await desk.act(desk.scene.resident, asked["id"], "move", {"starts_at": at("11:00", LATER).isoformat()})
    assert (once_more["status"], once_more["sequence"]) == ("pending", 2)
    booked = await answer(desk, asked)
    assert booked["status"] == "booked"
    assert booked["consultation_id"] not in (None, asked["consultation_id"])
    # The clinic moves its own diary without being asked.
    back = await desk.act(desk.scene.keeper, asked["id"], "move", where)
    assert (back["status"], back["awaits"]) == ("booked", None)
    await no_drift()


async def test_who_waits_keeps_their_place_when_the_clinic_says_no(desk: Desk, clock: ManualClock) -> None:
    full = await fill(desk)
    (patient,) = await crowd(desk.scene, 1)
    await own_diary(desk)
    await join(desk, patient, **TUESDAYS)
    owner, booked = full[2]
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    offer = (await waits(desk, patient))[0]["offer"]
    requested = await desk.act(patient, offer["id"], "confirmation")
    assert (requested["status"], requested["awaits"]) == ("pending", "clinic")
    (entry,) = await waits(desk, patient)
    assert (entry["state"], entry["offer"]["id"]) == ("offered", offer["id"])
    await answer(desk, requested, answer="declined")
    await work()
    (entry,) = await waits(desk, patient)
    assert (entry["state"], entry["offer"]) == ("waiting", None)  # and is not offered it again
    await no_drift()


async def test_who_leaves_the_waitlist_has_still_asked(desk: Desk, clock: ManualClock) -> None:
    full = await fill(desk)
    (patient,) = await crowd(desk.scene, 1)
    await own_diary(desk)
    entry = await join(desk, patient, **TUESDAYS)
    await desk.act(full[2][0], full[2][1]["id"], "cancellation")
    await work()
    offer = (await waits(desk, patient))[0]["offer"]
    await desk.act(patient, offer["id"], "confirmation")
    left = await desk.client.delete(f"/v1/waitlist-entries/{entry['id']}", headers=patient)
    assert left.status_code == 204
    assert (await answer(desk, offer))["status"] == "booked"


async def test_a_yes_a_no_a_calling_off_and_the_end_of_the_time_exclude_each_other(
    desk: Desk, clock: ManualClock
) -> None:
    await own_diary(desk)
    keeper, patient = desk.scene.keeper, desk.scene.resident
    for hour in ("09:00", "10:00", "11:00"):
        wanted = await desk.booked(patient, at(hour, LATER))
        one = f"/appointments/{wanted['id']}"
        ten = {"answer": "tentative", "starts_at": at("09:30", LATER).isoformat()}
        answers = await asyncio.gather(
            desk.post(f"{one}/answer", keeper, {"answer": "accepted"}),
            desk.post(f"{one}/answer", keeper, {"answer": "declined"}),
            desk.post(f"{one}/answer", keeper, ten),
            desk.post(f"{one}/cancellation", patient),
            jobs.call(),
        )
        statuses = [response.status_code for response in answers[:4]]
        assert set(statuses) <= {200, 409}
        # Whoever comes after the first is told so, but that what is booked or proposed can still be called off.
        assert 1 <= statuses[:3].count(200) + (statuses[3] == 200) <= 2
        assert statuses[:3].count(200) <= 1
        await no_drift()
        await desk.post(f"{one}/cancellation", patient)


async def test_an_answer_and_the_end_of_the_time_exclude_each_other(desk: Desk, clock: ManualClock) -> None:
    await own_diary(desk)
    wanted = await desk.booked(desk.scene.resident, at("09:00", LATER))
    await on(desk, clock, datetime.fromisoformat(wanted["hold_until"]) - timedelta(seconds=1))
    one = f"/appointments/{wanted['id']}/answer"
    said = asyncio.create_task(desk.post(one, desk.scene.keeper, {"answer": "accepted"}))
    clock.advance(timedelta(seconds=2))
    response, _ = await asyncio.gather(said, work())
    stands = await shown(desk, wanted)
    assert (response.status_code, stands["status"]) in {(200, "booked"), (409, "cancelled")}
    await no_drift()


async def test_what_a_resident_asked_for_ends_with_their_residence(desk: Desk, asked: Body) -> None:
    from telemedicine.appointments.service.closing import close_residents  # noqa: PLC0415 - a command of policies'

    async with unit_of_work() as session:
        await close_residents(session, [desk.scene.grace.id])
    assert await refused(desk, asked, desk.scene.keeper, "answer", answer="accepted") in [
        (409, "appointment_status"),
        (409, "answer_too_late"),
    ]
    await no_drift()


@given(
    _INSTANTS,
    st.timedeltas(timedelta(minutes=1), timedelta(days=90)),
    st.timedeltas(timedelta(minutes=15), timedelta(days=2)),
)
def test_somebody_is_called_twice_before_the_time_is_let_go_and_that_before_it_begins(
    asked_at: datetime, left: timedelta, within: timedelta
) -> None:
    asking = rules.asking(asked_at, asked_at + left, within)
    assert asked_at < asking.clinic_at < asking.desk_at < asking.until < asked_at + left
    assert asking.clinic_at <= asked_at + within


@given(st.sampled_from(sorted(rules.TRANSITIONS)), _INSTANTS | st.none(), _INSTANTS | st.none())
def test_only_what_is_held_awaits_somebody(
    status: str, asked_at: datetime | None, answered_at: datetime | None
) -> None:
    found = rules.awaits(status, asked_at, answered_at)
    assert (found is not None) == (status in rules.HELD)
    assert found != "clinic" or (status == "pending" and asked_at is not None and answered_at is None)


async def test_staff_hear_which_time_and_never_whose(desk: Desk, asked: Body, clock: ManualClock) -> None:
    await on(desk, clock, timedelta(hours=4))
    await jobs.call()
    keeper: Account = desk.scene.keepers_account
    items = (await desk.get("/me/inbox", await sign_in.sign_in(keeper, second_factor=True)))["items"]
    assert items
    assert all(str(desk.scene.grace.id) not in str(item) and "Grace" not in str(item) for item in items)
