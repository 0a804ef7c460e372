"""Nobody is called who cannot hear a call: not by a plan, not by one agreed before, not by any notice."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Resident
from eldercare.check_ins.jobs import JOBS
from notifications.sending.jobs import JOBS as SENDING_JOBS
from tests.factories import eldercare_check_ins as made
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox
from tests.factories.sign_in import sign_in_resident

pytestmark = pytest.mark.usefixtures("database", "subscribed")
PLAN: dict[str, Any] = {"times": ["08:30"], "starts_on": "2026-01-01", "time_zone": "UTC", "channel": "voice"}


async def record_needs(client: httpx.AsyncClient, resident: Resident, *needs: str) -> None:
    headers = await sign_in_resident(resident)
    answer = await client.patch("/v1/me/profile", json={"accessibility_needs": needs}, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("need", ["hearing", "no_voice_calls"])
async def test_a_plan_that_would_call_is_refused(client: httpx.AsyncClient, place: Community, need: str) -> None:
    resident = await identity.resident(place, phone="+8613800000009", accessibility_needs=[need])
    headers = await sign_in_resident(resident)
    refused = await client.post("/v1/me/check-in-plans", json=PLAN, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "channel_not_suitable")
    assert refused.json()["errors"][0]["pointer"] == "/body/channel"
    agreed = await client.post("/v1/me/check-in-plans", json=PLAN | {"channel": "sms"}, headers=headers)
    assert agreed.status_code == 201
    changed = await client.put(f"/v1/me/check-in-plans/{agreed.json()['id']}", json=PLAN, headers=headers)
    assert (changed.status_code, changed.json()["code"]) == (422, "channel_not_suitable")


async def test_a_plan_agreed_before_asks_another_way_from_then_on(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    plan, other = await made.plan(resident, channel="voice"), await made.plan(resident, channel="visit")
    await record_needs(client, resident, "sight", "hearing")
    await settle((*RELAY_JOBS, *JOBS))
    ahead = {row.plan_id: row for row in await made.check_ins(resident)}
    assert (ahead[plan.id].channel, ahead[other.id].channel) == ("app", "visit")
    versions = await client.get(f"/v1/me/check-in-plans/{plan.id}/versions", headers=await sign_in_resident(resident))
    assert [(each["number"], each["channel"]) for each in versions.json()["items"]] == [(2, "app"), (1, "voice")]
    assert versions.json()["items"][0]["times"] == ["08:30"]
    await record_needs(client, resident, "hearing")
    await settle((*RELAY_JOBS, *JOBS))
    assert {row.schedule_id for row in await made.check_ins(resident) if row.plan_id == plan.id} == {
        ahead[plan.id].schedule_id
    }


async def test_a_plan_of_somebody_who_hears_stays(client: httpx.AsyncClient, resident: Resident) -> None:
    plan = await made.plan(resident, channel="voice")
    await record_needs(client, resident, "mobility")
    await settle((*RELAY_JOBS, *JOBS))
    assert {row.channel for row in await made.check_ins(resident) if row.plan_id == plan.id} == {"voice"}


async def test_no_notice_of_any_kind_becomes_a_call(
    client: httpx.AsyncClient, place: Community, clock: ManualClock
) -> None:
    """The reminder of somebody who calls in by themselves may fall back to a call; here it must not."""
    person = await identity.account(place, name="Grace")
    await identity.contact_point(person, "landline", "+862155550001", ["voice"])
    resident = await identity.resident(place, person=person, accessibility_needs=["hearing"])
    await made.plan(resident, channel="call_in")
    clock.set((await made.check_ins(resident))[0].due_at)
    await settle(JOBS)
    clock.advance(timedelta(minutes=15))
    await settle((*JOBS, *SENDING_JOBS))
    assert {row.channel: row.error for row in await deliveries()} == {
        "push": "unreachable",
        "sms": "unreachable",
        "voice": "channel_not_suitable",
    }
    assert await outbox() == []
