"""Proxies over HTTP: proposed with a document, checked by somebody else of the operator's, told, listed, revoked."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.relay import relay_once
from app.core.settings import MediaSettings, Settings, install_settings
from app.identity.api import open_break_glass
from app.identity.models import Account
from app.media.models import STORED, Upload
from eldercare.proxies.rules import TRANSITIONS, may_check, may_end, may_propose
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desk
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

IDS = st.integers(1, 3).map(lambda number: uuid.UUID(int=number))


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Any:
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield
    install_settings(test_settings)


async def document_of(owner_id: uuid.UUID, community_id: uuid.UUID) -> str:
    row = Upload(
        community_id=community_id,
        owner_id=owner_id,
        about_id=owner_id,
        purpose="document",
        content_type="application/pdf",
        size=3,
        received=3,
        stored_size=3,
        sha256=bytes(32),
        state=STORED,
    )
    async with unit_of_work() as session:
        session.add(row)
    return str(row.id)


async def proposal(by: uuid.UUID, whom: Account, **values: Any) -> dict[str, Any]:
    return {
        "account_id": str(whom.id),
        "basis": "court_order",
        "document_id": await document_of(by, whom.community_id),
        "scopes": ["profile:read", "check_ins:manage", "grants:manage"],
        **values,
    }


@given(IDS, IDS, IDS)
def test_nobody_proposes_and_checks_themselves(checker: uuid.UUID, proposer: uuid.UUID, account: uuid.UUID) -> None:
    assert may_check(checker, proposer, account) == (checker not in (proposer, account))
    assert may_propose("granted", proposer, account) == (proposer == account)
    assert may_propose("staff", proposer, account) == (proposer != account)
    assert not may_propose("granted", proposer, account, is_proxy=True)
    assert may_end("granted", checker, account) == (checker == account)
    assert may_end("self", checker, account)
    assert may_end("staff", checker, account)
    assert all(target not in sources for sources, target in TRANSITIONS.values())


async def test_a_relative_proposes_themselves_and_the_operator_checks(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=1)
    resident, daughter = scene.resident, scene.circle[0]
    boss = await desk.colleague(scene, "operator", name="Boss")
    niece = await identity.account(scene.community, name="Niece")
    await identity.grant(resident, niece, ["profile:read"])
    hers, theirs = await sign_in(niece), await sign_in(boss)
    path = f"/v1/residents/{resident.id}/proxies"
    plans = f"/v1/residents/{resident.id}/grants"

    other = await client.post(path, headers=hers, json=await proposal(niece.id, daughter))
    assert other.status_code == 403
    proposed = await client.post(path, headers=hers, json=await proposal(niece.id, niece))
    assert (proposed.status_code, proposed.json()["state"]) == (201, "proposed"), proposed.text
    proxy = proposed.json()["id"]
    again = await client.post(path, headers=hers, json=await proposal(niece.id, niece))
    assert (again.status_code, again.json()["code"]) == (409, "proxy_proposed")
    assert (await client.get(plans, headers=hers)).status_code == 403
    assert (
        await client.post(f"/v1/proxies/{proxy}/check", headers=hers, json={"decision": "accept"})
    ).status_code == 403
    (waiting,) = (await client.get("/v1/proxies", headers=theirs)).json()["items"]
    assert (waiting["id"], waiting["document"]["content_type"]) == (proxy, "application/pdf")
    assert "eldercare.proxy_proposed" in [key for key, _ in await alarms.notices_of(boss)]

    body = {"decision": "accept", "note": "Seen the order of the court of 1 March"}
    checked = await client.post(f"/v1/proxies/{proxy}/check", headers=theirs, json=body)
    assert (checked.status_code, checked.json()["state"]) == (200, "in_force"), checked.text
    assert "court" not in await alarms.scalar("SELECT note FROM eldercare_proxy")
    twice = await client.post(f"/v1/proxies/{proxy}/check", headers=theirs, json=body)
    assert (twice.status_code, twice.json()["code"]) == (409, "proxy_checked")
    granted = (await client.get(plans, headers=hers)).json()["items"]
    (said,) = [item["explanation"] for item in granted if item["kind"] == "proxy"]
    assert said.startswith("Niece acts for you and may: change when and how you are asked how you are; ")
    async with unit_of_work() as session:
        own_account = await session.get_one(Account, resident.account_id)
    assert "eldercare.proxy_checked" in [key for key, _ in await alarms.notices_of(own_account)]

    own = await sign_in_resident(resident)
    (mine,) = (await client.get("/v1/me/proxies", headers=own | {"Accept-Language": "zh-CN"})).json()["items"]
    assert mine["explanation"].startswith("Niece作为您的代理人，可以：")
    ended = await client.post(f"/v1/me/proxies/{proxy}/revocation", headers=own)
    assert (ended.status_code, ended.json()["state"]) == (200, "revoked")
    assert (await client.get(plans, headers=hers)).status_code == 403
    over = await client.post(f"/v1/me/proxies/{proxy}/revocation", headers=own)
    assert (over.status_code, over.json()["code"]) == (409, "proxy_over")


async def test_four_eyes_and_other_communities(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    boss = await desk.colleague(scene, "operator", name="Boss")
    theirs = await sign_in(boss)
    path = f"/v1/residents/{scene.resident.id}/proxies"
    proposed = await client.post(path, headers=theirs, json=await proposal(boss.id, scene.circle[0]))
    check = f"/v1/proxies/{proposed.json()['id']}/check"
    same = await client.post(check, headers=theirs, json={"decision": "accept"})
    assert (same.status_code, same.json()["code"]) == (403, "somebody_else_checks")
    foreign = await sign_in(await identity.operator(await identity.community(name="Elsewhere")))
    assert (await client.post(check, headers=foreign, json={"decision": "accept"})).status_code == 404
    assert (await client.post(check, headers=await sign_in(scene.desk), json={"decision": "accept"})).status_code == 403
    second = await sign_in(await desk.colleague(scene, "operator", name="Second"))
    refused = await client.post(check, headers=second, json={"decision": "refuse"})
    assert (refused.status_code, refused.json()["state"], refused.json()["grant_id"]) == (200, "refused", None)
    assert await alarms.scalar("SELECT count(*) FROM identity_grant WHERE kind = 'proxy'") == 0


async def test_from_and_until(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    boss, niece = await desk.colleague(scene, "operator"), await identity.account(scene.community, name="Niece")
    own = await sign_in_resident(scene.resident)
    starts, ends = clocks.now() + timedelta(days=1), clocks.now() + timedelta(days=2)
    path = "/v1/me/proxies"
    by = scene.resident.account_id
    wrong: list[dict[str, Any]] = [
        {"ends_at": (clocks.now() - timedelta(days=1)).isoformat()},
        {"starts_at": ends.isoformat(), "ends_at": starts.isoformat()},
        {"scopes": ["everything"]},
    ]
    for values in wrong:
        assert (await client.post(path, headers=own, json=await proposal(by, niece, **values))).status_code == 422
    period = {"starts_at": starts.isoformat(), "ends_at": ends.isoformat()}
    proposed = await client.post(path, headers=own, json=await proposal(by, niece, **period))
    check = f"/v1/proxies/{proposed.json()['id']}/check"
    accepted = await client.post(check, headers=await sign_in(boss), json={"decision": "accept"})
    assert accepted.status_code == 200, accepted.text
    profile = f"/v1/residents/{scene.resident.id}/profile"

    seen = []
    for _ in range(3):
        seen.append((await client.get(profile, headers=await sign_in(niece))).status_code)
        clock.advance(timedelta(days=1))
    assert seen == [404, 200, 404]
    own = await sign_in_resident(scene.resident)
    (listed,) = (await client.get(path, headers=own)).json()["items"]
    assert listed["state"] == "ended"


async def test_a_proxy_whose_grant_is_revoked_elsewhere_is_revoked(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss, niece = await desk.colleague(scene, "operator"), await identity.account(scene.community, name="Niece")
    own = await sign_in_resident(scene.resident)
    proposed = await client.post("/v1/me/proxies", headers=own, json=await proposal(scene.resident.account_id, niece))
    check = f"/v1/proxies/{proposed.json()['id']}/check"
    grant = (await client.post(check, headers=await sign_in(boss), json={"decision": "accept"})).json()["grant_id"]
    assert (await client.delete(f"/v1/me/grants/{grant}", headers=own)).status_code == 204
    (listed,) = (await client.get("/v1/me/proxies", headers=own)).json()["items"]
    assert (listed["state"], listed["revoked_at"] is not None) == ("revoked", True)
    while await relay_once():
        pass
    told = "SELECT array_agg(DISTINCT variables ->> 'state') FROM notifications_delivery WHERE account_id = :id"
    assert sorted(await alarms.scalar(told, id=niece.id)) == ["in_force", "revoked"]


async def test_a_proxy_acts_again_when_the_end_of_the_residence_was_a_mistake(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss, niece = await desk.colleague(scene, "operator"), await identity.account(scene.community, name="Niece")
    staff, own = await sign_in(boss), await sign_in_resident(scene.resident)
    home = f"/v1/residents/{scene.resident.id}"
    body = await proposal(scene.resident.account_id, niece)
    proxy = (await client.post("/v1/me/proxies", headers=own, json=body)).json()["id"]
    await client.post(f"/v1/proxies/{proxy}/check", headers=staff, json={"decision": "accept"})

    async def state() -> tuple[str, int]:
        (listed,) = (await client.get(f"{home}/proxies", headers=staff)).json()["items"]
        profile = await client.get(f"{home}/profile", headers=await sign_in(niece))
        return listed["state"], profile.status_code

    assert await state() == ("in_force", 200)
    closure = {"reason": "moved_out", "date": "2026-03-01"}
    closed = await client.post(f"{home}/closure", headers=staff, json=closure)
    assert closed.status_code < 300, closed.text
    assert (await state())[0] == "revoked"
    reopened = await client.delete(f"{home}/closure", headers=staff)
    assert reopened.status_code < 300, reopened.text
    assert await state() == ("in_force", 200)


async def test_emergency_access_is_no_ground_to_become_a_proxy(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    responder = await identity.account(scene.community, name="Responder", phone="+8613800000991")
    alarm = await alarms.raised(scene.resident)
    async with unit_of_work() as session:
        await open_break_glass(
            session,
            community_id=scene.community.id,
            resident_id=scene.resident.id,
            alarm_id=alarm.id,
            account_ids=[responder.id],
            scopes=["profile:read"],
            expires_at=clocks.now() + timedelta(hours=1),
        )
    path, headers = f"/v1/residents/{scene.resident.id}", await sign_in(responder)
    assert (await client.get(f"{path}/profile", headers=headers)).status_code == 200
    body = await proposal(responder.id, responder)
    assert (await client.post(f"{path}/proxies", headers=headers, json=body)).status_code in (403, 404)


async def test_two_who_act_for_the_same_resident_do_not_decide_on_each_other(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss = await desk.colleague(scene, "operator", name="Boss")
    niece, nephew, cousin = [
        await identity.account(scene.community, name=name) for name in ("Niece", "Nephew", "Cousin")
    ]
    own, path = await sign_in_resident(scene.resident), f"/v1/residents/{scene.resident.id}"

    async def proposed(whom: Account) -> str:
        body = await proposal(scene.resident.account_id, whom)
        return str((await client.post("/v1/me/proxies", headers=own, json=body)).json()["id"])

    hers, his, open_one = [await proposed(whom) for whom in (niece, nephew, cousin)]
    grants = {}
    for proxy in (hers, his):
        check = f"/v1/proxies/{proxy}/check"
        checked = await client.post(check, headers=await sign_in(boss), json={"decision": "accept"})
        grants[proxy] = checked.json()["grant_id"]
    headers = await sign_in(niece)
    for whom in (niece, cousin):
        more = await client.post(f"{path}/proxies", headers=headers, json=await proposal(niece.id, whom))
        assert more.status_code == 403, more.text
    for proxy in (his, open_one):
        assert (await client.post(f"{path}/proxies/{proxy}/revocation", headers=headers)).status_code == 403
    assert (await client.delete(f"{path}/grants/{grants[his]}", headers=headers)).status_code == 403
    narrowed = {"scopes": ["profile:read"]}
    for proxy in (hers, his):
        change = await client.patch(f"{path}/grants/{grants[proxy]}", headers=headers, json=narrowed)
        assert change.status_code == 403, change.text
    ended = await client.post(f"{path}/proxies/{hers}/revocation", headers=headers)
    assert (ended.status_code, ended.json()["state"]) == (200, "revoked"), ended.text
    assert (await client.get(f"{path}/profile", headers=await sign_in(nephew))).status_code == 200
