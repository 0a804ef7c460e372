"""A worker that was away for an hour: holds that ended are over, others are asked, and what is told is true."""

from collections import Counter
from datetime import timedelta

from app.core.clock import ManualClock
from tests.factories import identity, sign_in
from tests.telemedicine.appointments.conftest import Body, Desk, at, no_drift, work
from tests.telemedicine.appointments.test_booking import Headers, statuses
from tests.telemedicine.appointments.test_reminders import told
from tests.telemedicine.appointments.test_waitlist import TUESDAYS, fill, join, offers, waits


async def test_what_a_worker_finds_after_an_hour_is_what_is_true_then(desk: Desk, clock: ManualClock) -> None:
    booked: list[tuple[Headers, Body]] = await fill(desk)
    clock.set(at("08:10"))
    keeper = await sign_in.sign_in(desk.scene.keepers_account, second_factor=True)
    residents = [await identity.resident(desk.scene.place, name=f"Waiting {number}") for number in range(4)]
    first, second, third, forgetful = [await sign_in.sign_in_resident(one) for one in residents]
    for one in (first, second, third):
        await join(desk, one, **TUESDAYS)
        clock.advance(timedelta(seconds=1))
    await desk.act(keeper, booked[4][1]["id"], "cancellation")
    await work()
    assert await offers(desk, [first, second, third]) == [True, False, False]
    offer = (await waits(desk, first))[0]["offer"]
    before = Counter(await told())

    # From here on no worker runs: a time comes free, somebody holds it and forgets it, and an offer is let pass.
    await desk.act(keeper, booked[5][1]["id"], "cancellation")
    held = await desk.held(forgetful, at("11:30"))
    clock.advance(timedelta(hours=1))
    first, second, third, forgetful = [await sign_in.sign_in_resident(one) for one in residents]
    for whose, row in ((forgetful, held), (first, offer)):
        late = await desk.post(f"/appointments/{row['id']}/confirmation", whose)
        assert (late.status_code, late.json()["code"]) == (409, "hold_over")
    # What is over is in nobody's way, worker or none.
    free = {slot["starts_at"] for slot in (await desk.get("/slots", forgetful))["items"]}
    assert {held["starts_at"], offer["starts_at"]} <= free

    await work()
    assert await offers(desk, [first, second, third]) == [False, True, True]
    assert (await waits(desk, first))[0]["state"] == "waiting"
    found = await statuses()
    assert (found["proposed"], found.get("pending", 0), found["cancelled"]) == (2, 0, 4)
    # It is ten past nine: what began at nine is not announced, half past nine and ten are soon, and once.
    new = Counter(await told()) - before
    assert {name: new[name] for name in ("appointment_soon", "appointment_join", "waitlist_offered")} == {
        "appointment_soon": 2,
        "appointment_join": 0,
        "waitlist_offered": 2,
    }
    await work()
    assert Counter(await told()) - before == new
    await no_drift()
