"""Incremental sync of telemedicine: appointments and visits row by row, waits and numbers as a whole."""

from datetime import timedelta

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from telemedicine.appointments.models import APPOINTMENTS
from tests.factories import identity, sign_in, telemedicine
from tests.policies.journeys.telemedicine.conftest import Desk
from tests.policies.journeys.test_changes import App, told_nothing
from tests.telemedicine.appointments.conftest import at

KINDS = {"appointments", "waitlist_entries", "queue_tickets"}


async def test_what_is_booked_waited_for_and_drawn_is_told_and_what_becomes_of_it(
    desk: Desk, clock: ManualClock
) -> None:
    grace = desk.scene.resident
    app = App(desk.client, grace)
    await app.sync()
    assert {*KINDS, "consultations"} <= set(app.told["kinds"])

    booked = await desk.booked(grace, at("09:00"))
    wanted = {"visit_type_id": str(desk.scene.visit_type.id)}
    entry = (await desk.post("/waitlist-entries", grace, wanted)).json()
    line = f"/clinics/{desk.scene.organization.id}/queue-tickets"
    ticket = (await desk.post(line, grace)).json()
    news = await app.ask()
    assert [(row["id"], row["status"]) for row in news["appointments"]] == [(booked["id"], "booked")]
    assert [row["id"] for row in news["waitlist_entries"]] == [entry["id"]]
    assert [row["id"] for row in news["queue_tickets"]] == [ticket["id"]]
    assert told_nothing(await app.ask())

    await desk.act(grace, booked["id"], "cancellation")
    for path in (f"/waitlist-entries/{entry['id']}", f"/queue-tickets/{ticket['id']}"):
        assert (await desk.client.delete(f"/v1{path}", headers=grace)).status_code == 204
    news = await app.ask()
    assert [row["status"] for row in news["appointments"]] == ["cancelled"]
    assert (news["waitlist_entries"], news["queue_tickets"]) == ([], [])
    assert told_nothing(await app.ask())


async def test_no_late_commit_of_an_appointment_is_missed(desk: Desk) -> None:
    grace = desk.scene.resident
    app = App(desk.client, grace)
    first, second = await desk.booked(grace, at("09:00")), await desk.booked(grace, at("10:00"))
    await app.sync(limit=1)
    assert set(app.held["appointments"]) == {first["id"], second["id"]}
    async with unit_of_work() as late:
        await late.execute(APPOINTMENTS.update().values(version=7))
        await desk.booked(grace, at("11:00"))
        assert len((await app.ask())["appointments"]) == 1
    await app.ask()
    assert {row["version"] for row in app.told["appointments"]} >= {7}


async def test_a_video_visit_is_told_as_its_state_changes(desk: Desk, clock: ManualClock) -> None:
    scene = await telemedicine.scene()
    visit = await telemedicine.consultation(scene)
    app = App(desk.client, await sign_in.sign_in(scene.account))
    await app.sync()
    assert [row["state"] for row in app.held["consultations"].values()] == ["planned"]
    ended = await desk.client.post(f"/v1/consultations/{visit.id}/end", headers=await sign_in.sign_in(scene.clinician))
    assert ended.status_code == 200, ended.text
    assert [row["state"] for row in (await app.ask())["consultations"]] == ["ended"]
    clock.advance(timedelta(days=91))
    app = App(desk.client, await sign_in.sign_in(scene.account))
    await app.sync()
    assert app.held["consultations"] == {}


async def test_others_are_told_what_they_may_see_and_agencies_nothing(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    grace, path = desk.scene.grace, f"/v1/residents/{desk.scene.grace.id}/changes"
    relative = await identity.account(desk.scene.place, name="Daughter")
    await identity.grant(grace, relative, ["visits:read"], kind="proxy")
    app = App(desk.client, await sign_in.sign_in(relative), path)
    await app.sync()
    assert KINDS.isdisjoint(app.told["kinds"])
    await identity.grant(grace, relative, ["appointments:manage"], kind="consent")
    await app.sync()
    assert set(app.told["kinds"]) >= KINDS
    assert set(app.held["appointments"]) == {booked["id"]}

    agency = await identity.organization(desk.scene.place, "care_agency")
    await identity.agreement(agency, ["appointments:manage", "visits:read"], grace)
    coordinator = await identity.staff(agency, "coordinator")
    app = App(desk.client, await sign_in.sign_in(coordinator, second_factor=True), path)
    await app.sync()
    assert "visits" in app.told["kinds"]
    assert KINDS.isdisjoint(app.told["kinds"])
