"""Where else a referral is told of: on the resident's timeline, to their app, to the clinics' machines."""

import sqlalchemy as sa

from app.core.database import reading
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from notifications.webhooks.models import DELIVERIES
from tests.factories import identity, sign_in, webhooks
from tests.telemedicine.referrals.conftest import Desk


async def test_the_resident_is_told_on_their_timeline_and_in_their_app_but_of_no_draft(desk: Desk) -> None:
    await desk.act(desk.clinician, await desk.refer(is_draft=True), "withdrawal")
    asked = await desk.refer()
    await desk.act(desk.clerk, asked, "refusal", {"reason": "Full"})
    items = (await desk.look(desk.resident, "/v1/me/timeline"))["items"]
    assert [one["data"]["state"] for one in items if one["kind"] == "referral_changed"] == ["declined", "requested"]
    changes = await desk.look(desk.resident, "/v1/me/changes")
    assert [(one["id"], one["state"], one["reason"]) for one in changes["referrals"]] == [
        (asked["id"], "declined", "Full")
    ]
    # A clinic with an agreement that has nothing to do with it is told nothing.
    other = await identity.organization(desk.scene.place, "clinic", name="Other")
    await identity.agreement(other)
    stranger = await sign_in.sign_in(await identity.staff(other, "clinician"), second_factor=True)
    found = (await desk.look(stranger, f"/v1/residents/{desk.scene.resident.id}/timeline"))["items"]
    assert [one for one in found if one["kind"] == "referral_changed"] == []


async def test_the_machines_of_both_clinics_are_told_and_no_others(desk: Desk) -> None:
    for clinic in (desk.hospital.organization, await identity.organization(desk.scene.place, "clinic", name="Other")):
        await identity.agreement(clinic)
        await webhooks.endpoint(clinic, "https://8.8.8.8/hook", event_types=["referral.state_changed"])
    await webhooks.endpoint(desk.scene.clinic, "https://8.8.8.8/hook", event_types=["referral.state_changed"])
    asked = await desk.refer()
    await settle(RELAY_JOBS)
    async with reading() as connection:
        rows = (await connection.execute(sa.select(DELIVERIES.c.data))).scalars().all()
    assert [row["referral_id"] for row in rows] == [asked["id"]] * 2
