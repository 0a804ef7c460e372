"""Emergency access over HTTP: to what goes on, not to what was; nothing to take away; over with the alarm."""

import httpx
import pytest

from app.core.relay import relay_once
from eldercare.alarms.models import AlarmKind, Severity
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

CSV = "?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z"


async def test_an_alarm_opens_what_goes_on_and_not_what_was(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    helper = await identity.account(scene.community, name="Helper", phone="+8613800000991")
    await alarms.circle_member(scene.resident, helper)
    relative = await identity.account(scene.community, name="Relative")
    await identity.grant(scene.resident, relative, ["alarms:read", "alarms:respond"])
    lasting, opened = await sign_in(relative), await sign_in(helper)
    past = await alarms.raised(scene.resident)
    ended = await client.post(f"/v1/alarms/{past.id}/resolution", headers=lasting, json={"outcome": "helped"})
    assert ended.status_code == 200, ended.text
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    path = f"/v1/residents/{scene.resident.id}"

    async def seen(headers: dict[str, str]) -> tuple[list[int], list[str]]:
        one = [(await client.get(f"/v1/alarms/{each.id}", headers=headers)).status_code for each in (alarm, past)]
        listed = (await client.get(f"{path}/alarms", headers=headers)).json()["items"]
        return one, [item["id"] for item in listed]

    assert await seen(lasting) == ([200, 200], [str(alarm.id), str(past.id)])
    assert await seen(opened) == ([200, 404], [str(alarm.id)])


async def test_what_an_alarm_opened_is_not_taken_away_and_ends_with_it(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    helper = await identity.account(scene.community, name="Helper", phone="+8613800000991")
    await alarms.circle_member(scene.resident, helper)
    await identity.grant(scene.resident, helper, ["visits:read"])
    stranger = await identity.account(scene.community, name="Stranger", phone="+8613800000992")
    await alarms.circle_member(scene.resident, stranger, position=2)
    await alarms.plan(scene.resident, [{"target_kind": "circle"}])
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    path, headers = f"/v1/residents/{scene.resident.id}", await sign_in(stranger)
    kept = ("changes", "timeline", f"timeline/record{CSV}", f"timeline/printed-record{CSV}")

    async def answers(*parts: str) -> list[int]:
        return [(await client.get(f"{path}/{part}", headers=headers)).status_code for part in parts]

    assert await answers("profile", "contact-points", "check-ins", "circle") == [200] * 4
    assert await answers(*kept) == [403] * 4
    synced = await client.get(f"{path}/changes", headers=await sign_in(helper))
    assert synced.json()["kinds"] == ["visits", "visits_ahead"], "theirs for good, and nothing of the alarm's"
    body = {"outcome": "helped"}
    assert (await client.post(f"/v1/alarms/{alarm.id}/resolution", headers=headers, json=body)).status_code == 200
    assert await answers("profile", "contact-points", "check-ins", "circle", *kept) == [404] * 8


async def test_who_is_taken_out_of_the_circle_keeps_no_emergency_access(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    people = [await identity.account(scene.community, name=name) for name in ("Gone", "On the way")]
    members = [await alarms.circle_member(scene.resident, person) for person in people]
    await alarms.plan(scene.resident, [{"target_kind": "circle"}])
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    path, own = f"/v1/residents/{scene.resident.id}/profile", await sign_in_resident(scene.resident)
    headers = [await sign_in(person) for person in people]
    assert [(await client.get(path, headers=one)).status_code for one in headers] == [200, 200]
    taken = await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=headers[1])
    assert taken.status_code == 200, taken.text
    for member in members:
        assert (await client.delete(f"/v1/me/circle/{member.id}", headers=own)).status_code == 204
    while await relay_once():
        pass
    assert [(await client.get(path, headers=one)).status_code for one in headers] == [404, 200]
