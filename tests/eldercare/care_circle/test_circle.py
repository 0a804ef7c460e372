"""Care circles over HTTP: asking, answering, ordering, leaving, and what each member sees."""

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, Severity
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

PHONE = "+8613800138000"


def asking(**values: object) -> dict[str, object]:
    """Return the body of an invitation."""
    return {"phone": PHONE, "name": "Mei", "relationship": "daughter", **values}


async def test_somebody_new_is_asked_and_accepts(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    own = await sign_in_resident(resident)
    asked = await client.post("/v1/me/circle", headers=own, json=asking(phone="138 0013 8000", has_key=True))
    assert asked.status_code == 201, asked.text
    member = asked.json()
    assert (member["state"], member["name"], member["has_key"], member["position"]) == ("invited", "Mei", True, 1)
    async with unit_of_work() as session:
        account = await session.get_one(Account, member["account_id"])
    assert [key for key, _ in await alarms.notices_of(account)] == ["eldercare.circle_invitation"]

    theirs = await sign_in(account)
    profile = f"/v1/residents/{resident.id}/alarms"
    assert (await client.get(profile, headers=theirs)).status_code == 404
    listed = (await client.get("/v1/me/circles", headers=theirs)).json()["items"]
    assert [(item["id"], item["resident_name"]) for item in listed] == [(member["id"], "Grace")]
    accepted = await client.post(f"/v1/me/circles/{member['id']}/acceptance", headers=theirs)
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted"), accepted.text
    assert (await client.get(profile, headers=theirs)).status_code == 200
    assert (await client.get(f"/v1/residents/{resident.id}/circle", headers=theirs)).status_code == 403

    again = await client.post(f"/v1/me/circles/{member['id']}/acceptance", headers=theirs)
    assert (again.status_code, again.json()["code"]) == (409, "invitation_answered")
    assert (await client.delete(f"/v1/me/circle/{member['id']}", headers=own)).status_code == 204
    assert (await client.get(profile, headers=theirs)).status_code == 404
    assert (await client.get("/v1/me/circle", headers=own)).json()["items"] == []


async def test_the_one_who_has_the_number_is_asked_and_stays_nameless_until_they_accept(
    client: httpx.AsyncClient,
) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    known = await identity.account(place, name="Secret Name", phone=PHONE)
    own = await sign_in_resident(resident)

    asked = await client.post("/v1/me/circle", headers=own, json=asking())
    assert (asked.json()["account_id"], asked.json()["name"]) == (str(known.id), "Mei")
    twice = await client.post("/v1/me/circle", headers=own, json=asking())
    assert (twice.status_code, twice.json()["code"]) == (409, "already_in_circle")
    declined = await client.post(f"/v1/me/circles/{asked.json()['id']}/refusal", headers=await sign_in(known))
    assert declined.json()["state"] == "declined"
    assert (await client.post("/v1/me/circle", headers=own, json=asking())).status_code == 201


async def test_only_who_was_asked_answers(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    asked = await client.post("/v1/me/circle", headers=await sign_in_resident(resident), json=asking())
    stranger = await sign_in(await identity.account(place))

    answer = await client.post(f"/v1/me/circles/{asked.json()['id']}/acceptance", headers=stranger)

    assert answer.status_code == 404


async def test_the_order_is_the_order_in_which_they_are_called(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=3)
    own = await sign_in_resident(scene.resident)
    members = [item["id"] for item in (await client.get("/v1/me/circle", headers=own)).json()["items"]]

    turned = await client.put("/v1/me/circle/order", headers=own, json={"member_ids": members[::-1]})
    assert [item["id"] for item in turned.json()["items"]] == members[::-1]
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    assert (await alarms.told(alarm))[0][2] == scene.circle[2].id
    short = await client.put("/v1/me/circle/order", headers=own, json={"member_ids": members[:2]})
    assert (short.status_code, short.json()["code"]) == (409, "circle_changed")


async def test_a_change_needs_the_current_version_and_sane_hours(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    own = await sign_in_resident(scene.resident)
    member = (await client.get("/v1/me/circle", headers=own)).json()["items"][0]
    path = f"/v1/me/circle/{member['id']}"
    hours = {"on_call": [{"weekday": 5, "start": "08:00", "end": "20:00"}], "time_zone": "Europe/Berlin"}

    changed = await client.patch(path, headers=own | {"If-Match": f'"{member["version"]}"'}, json=hours)
    assert (changed.status_code, changed.json()["time_zone"]) == (200, "Europe/Berlin"), changed.text
    stale = await client.patch(path, headers=own | {"If-Match": f'"{member["version"]}"'}, json=hours)
    assert stale.status_code == 412
    for wrong in (
        {"time_zone": "Mars/Olympus"},
        {"on_call": [{"weekday": 7, "start": "08:00", "end": "20:00"}]},
        {"on_call": [{"weekday": 1, "start": "08:00+02:00", "end": "20:00"}]},
        {"state": "accepted"},
    ):
        assert (await client.patch(path, headers=own, json=wrong)).status_code == 422, wrong


async def test_who_manages_a_circle_passes_on_at_most_what_they_hold(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    helper = await identity.account(place, name="Helper")
    await identity.grant(resident, helper, ["circle:manage", "alarms:read"])
    headers = await sign_in(helper)
    path = f"/v1/residents/{resident.id}/circle"

    wide = await client.post(path, headers=headers, json=asking(scopes=["alarms:read", "vitals:read"]))
    assert wide.status_code == 403
    narrow = await client.post(path, headers=headers, json=asking(scopes=["alarms:read"]))
    assert narrow.status_code == 201, narrow.text


async def test_what_an_alarm_opened_is_not_passed_on(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    helper = await identity.account(scene.community, name="Helper")
    await identity.grant(scene.resident, helper, ["circle:manage", "alarms:read"])
    await alarms.circle_member(scene.resident, helper)
    await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    headers = await sign_in(helper)
    path = f"/v1/residents/{scene.resident.id}"
    assert (await client.get(f"{path}/profile", headers=headers)).status_code == 200, "the alarm opened it"

    asked = await client.post(f"{path}/circle", headers=headers, json=asking(scopes=["alarms:read", "profile:read"]))
    assert asked.status_code == 403, asked.text
    narrow = await client.post(f"{path}/circle", headers=headers, json=asking(scopes=["alarms:read"]))
    assert narrow.status_code == 201, narrow.text


async def test_a_proxy_passes_on_at_most_what_it_holds(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    proxy = await identity.account(place, name="Proxy")
    await identity.grant(resident, proxy, ["circle:manage", "grants:manage", "alarms:read"], kind="proxy")
    headers = await sign_in(proxy)
    path = f"/v1/residents/{resident.id}/circle"
    assert (await client.post(path, headers=headers, json=asking(scopes=["vitals:read"]))).status_code == 403
    assert (await client.post(path, headers=headers, json=asking(scopes=["alarms:read"]))).status_code == 201


async def test_an_invitation_outlives_nobodys_rights(client: httpx.AsyncClient) -> None:
    place = await identity.community()
    resident = await identity.resident(place)
    own, friend = await sign_in_resident(resident), await identity.account(place, name="Mei", phone=PHONE)
    scopes = ["circle:manage", "alarms:read", "vitals:read"]
    proxy = await identity.account(place, name="Proxy")
    grant = await identity.grant(resident, proxy, scopes, kind="proxy")
    path = f"/v1/residents/{resident.id}"
    wide = asking(scopes=["alarms:read", "vitals:read"])
    asked = await client.post(f"{path}/circle", headers=await sign_in(proxy), json=wide)
    assert asked.status_code == 201, asked.text
    assert (await client.delete(f"/v1/me/grants/{grant.id}", headers=own)).status_code == 204
    theirs = await sign_in(friend)
    accept = f"/v1/me/circles/{asked.json()['id']}/acceptance"
    late = await client.post(accept, headers=theirs)
    assert (late.status_code, late.json()["code"]) == (409, "invitation_lapsed")
    await identity.grant(resident, proxy, ["circle:manage", "alarms:read"], kind="proxy")
    assert (await client.post(accept, headers=theirs)).json()["code"] == "invitation_lapsed", "less than was promised"
    assert (await client.get(f"{path}/vitals", headers=theirs)).status_code == 404
    assert (await client.delete(f"/v1/me/circle/{asked.json()['id']}", headers=own)).status_code == 204
    again = await client.post("/v1/me/circle", headers=own, json=wide)
    assert (await client.post(f"/v1/me/circles/{again.json()['id']}/acceptance", headers=theirs)).status_code == 200


@pytest.mark.parametrize("phone", ["", "abc", "+1", "123", "\u0661"])
async def test_what_is_no_number_is_refused(client: httpx.AsyncClient, clock: ManualClock, phone: str) -> None:
    resident = await identity.resident(await identity.community())
    answer = await client.post("/v1/me/circle", headers=await sign_in_resident(resident), json=asking(phone=phone))
    assert answer.status_code == 422
