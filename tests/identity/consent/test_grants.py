"""Grants: given, explained, changed and ended, at once; nobody widens their own rights."""

import uuid
from datetime import timedelta

import httpx
import pytest

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.problems import Forbidden
from app.identity.api import add_grant, close_break_glass, open_break_glass, revoke_grant
from app.identity.consent.rules import refusal
from app.identity.consent.texts import LANGUAGES, SCOPES, explain, language_for
from app.identity.scopes import ALL, PROXY
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene

_PATH = "/v1/me/grants"


def body(scene: Scene, *scopes: str, **more: object) -> dict[str, object]:
    return {"account_id": str(scene.daughter.id), "scopes": list(scopes), **more}


async def test_a_resident_lets_somebody_see_something_and_ends_it_at_once(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    profile = f"/v1/residents/{scene.resident.id}/profile"
    given = await client.post(_PATH, json=body(scene, "profile:read"), headers=scene.resident_headers)
    assert given.status_code == 201, given.text
    assert given.json()["explanation"] == "Dora may: see your name, address, language and emergency notes."
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 200
    ended = await client.delete(f"{_PATH}/{given.json()['id']}", headers=scene.resident_headers)
    assert ended.status_code == 204
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 404
    listed = (await client.get(_PATH, headers=scene.resident_headers)).json()["items"]
    assert listed == []
    [past] = (await client.get(_PATH, params={"ended": "true"}, headers=scene.resident_headers)).json()["items"]
    assert past["state"] == "revoked"


async def test_a_grant_is_explained_in_the_readers_language(client: httpx.AsyncClient, scene: Scene) -> None:
    await make.grant(scene.resident, scene.daughter, ["alarms:raise", "location:read"])
    headers = scene.resident_headers | {"Accept-Language": "zh-Hans,en;q=0.5"}
    [item] = (await client.get(_PATH, headers=headers)).json()["items"]
    assert item["explanation"] == "Dora可以：为您发出警报；查看您所在的位置。"


async def test_a_grant_expires_by_itself_and_makes_room_for_another(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    await make.grant(scene.resident, scene.daughter, ["profile:read"], expires_in=timedelta(minutes=5))
    again = await client.post(_PATH, json=body(scene, "vitals:read"), headers=scene.resident_headers)
    assert (again.status_code, again.json()["code"]) == (409, "grant_exists")
    clock.advance(timedelta(minutes=5))
    profile = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 404
    again = await client.post(_PATH, json=body(scene, "vitals:read"), headers=scene.resident_headers)
    assert again.status_code == 201, again.text


async def test_a_change_replaces_what_is_allowed(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    grant = await make.grant(scene.resident, scene.daughter, ["profile:read"])
    path = f"{_PATH}/{grant.id}"
    change = {"scopes": ["vitals:read"], "expires_at": "2026-03-02T09:00:00Z"}
    changed = await client.patch(path, json=change, headers=scene.resident_headers | {"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert changed.json()["scopes"] == ["vitals:read"]
    assert changed.headers["etag"] == '"2"'
    stale = await client.patch(path, json=change, headers=scene.resident_headers | {"If-Match": '"1"'})
    assert stale.status_code == 412
    profile = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["grants:manage"]},
        {"scopes": ["fly:away"]},
        {"scopes": []},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"kind": "break_glass"},
    ],
)
async def test_what_cannot_be_granted_is_malformed(
    client: httpx.AsyncClient, scene: Scene, wrong: dict[str, object]
) -> None:
    answer = await client.post(_PATH, json=body(scene, "profile:read") | wrong, headers=scene.resident_headers)
    assert answer.status_code == 422, answer.text


async def test_nobody_of_another_community_can_be_granted_anything(client: httpx.AsyncClient, scene: Scene) -> None:
    stranger = await make.account(await make.community(name="Hillside"))
    answer = await client.post(
        _PATH, json={"account_id": str(stranger.id), "scopes": ["profile:read"]}, headers=scene.resident_headers
    )
    assert answer.status_code == 404


async def test_the_operator_records_a_consent_and_is_named(client: httpx.AsyncClient, scene: Scene) -> None:
    path = f"/v1/residents/{scene.resident.id}/grants"
    given = await client.post(path, json=body(scene, "profile:read"), headers=scene.staff_headers)
    assert given.status_code == 201, given.text
    assert given.json()["granted_by"]["account_id"] == str(scene.staff.id)
    mine = body(scene, "vitals:read") | {"account_id": str(scene.staff.id)}
    assert (await client.post(path, json=mine, headers=scene.staff_headers)).status_code == 403


async def test_a_proxy_acts_for_the_resident_but_not_for_itself(client: httpx.AsyncClient, scene: Scene) -> None:
    held = ["grants:manage", "profile:manage", "profile:read"]
    appointed = await make.grant(scene.resident, scene.daughter, held, kind="proxy")
    path = f"/v1/residents/{scene.resident.id}/grants"
    nurse = await make.account(scene.community, name="Nora")
    to_nurse = {"account_id": str(nurse.id), "scopes": ["profile:read"]}
    assert (await client.post(path, json=to_nurse, headers=scene.daughter_headers)).status_code == 201
    for widened in (
        {"account_id": str(nurse.id), "scopes": ["vitals:read"]},
        {"account_id": str(nurse.id), "scopes": ["profile:read"], "kind": "proxy"},
        {"account_id": str(scene.daughter.id), "scopes": ["profile:read"]},
    ):
        assert (await client.post(path, json=widened, headers=scene.daughter_headers)).status_code == 403
    own = f"{path}/{appointed.id}"
    wider = {"scopes": sorted(PROXY)}
    assert (await client.patch(own, json=wider, headers=scene.daughter_headers)).status_code == 403


async def test_a_proxy_is_not_given_like_a_consent_and_not_widened_like_one(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    wanted = body(scene, "profile:read", "grants:manage", kind="proxy")
    for path, headers in (
        (_PATH, scene.resident_headers),
        (f"/v1/residents/{scene.resident.id}/grants", scene.staff_headers),
    ):
        refused = await client.post(path, json=wanted, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "proxy_needs_document"), refused.text

    ends = clock.now() + timedelta(days=30)
    proxy = await make.grant(
        scene.resident, scene.daughter, ["profile:read", "vitals:read"], kind="proxy", expires_at=ends
    )
    path = f"{_PATH}/{proxy.id}"
    for wider in (
        {"scopes": ["profile:read", "grants:manage"], "expires_at": ends.isoformat()},
        {"scopes": ["profile:read"], "expires_at": (ends + timedelta(days=1)).isoformat()},
        {"scopes": ["profile:read"], "expires_at": None},
    ):
        refused = await client.patch(path, json=wider, headers=scene.resident_headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "proxy_needs_document"), wider
    less = {"scopes": ["profile:read"], "expires_at": (ends - timedelta(days=1)).isoformat()}
    cut = await client.patch(path, json=less, headers=scene.resident_headers)
    assert (cut.status_code, cut.json()["scopes"]) == (200, ["profile:read"])


async def test_an_alarm_opens_and_closes_emergency_access(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    alarm_id = scene.community.id  # any id will do: identity does not know alarms

    async def opened(scope: str, lasting: timedelta) -> list[uuid.UUID]:
        async with unit_of_work() as session:
            return await open_break_glass(
                session,
                community_id=scene.community.id,
                resident_id=scene.resident.id,
                alarm_id=alarm_id,
                account_ids=[scene.daughter.id],
                scopes=[scope],
                expires_at=clock.now() + lasting,
            )

    first = await opened("profile:read", timedelta(hours=1))
    assert await opened("location:read", timedelta(minutes=1)) == first
    profile = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 200
    [item] = (await client.get(_PATH, headers=scene.resident_headers)).json()["items"]
    assert item["kind"] == "break_glass"
    assert item["alarm_id"] == str(alarm_id)
    assert item["scopes"] == ["location:read", "profile:read"]
    assert item["expires_at"] == "2026-03-02T09:00:00Z"
    revoked = await client.delete(f"{_PATH}/{item['id']}", headers=scene.resident_headers)
    assert (revoked.status_code, revoked.json()["code"]) == (409, "grant_of_an_alarm")
    async with unit_of_work() as session:
        assert await close_break_glass(session, alarm_id) == 1
        assert await close_break_glass(session, alarm_id) == 0
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 404


async def test_other_packages_are_held_to_the_same_rights(scene: Scene) -> None:
    daughter = Actor(kind="account", id=scene.daughter.id, community_id=scene.community.id)
    resident = Actor(
        kind="account", id=scene.resident.account_id, community_id=scene.community.id, resident_id=scene.resident.id
    )
    nurse = await make.account(scene.community, name="Nora")
    await make.grant(scene.resident, scene.daughter, ["profile:read"])
    with pytest.raises(Forbidden):
        async with unit_of_work() as session:
            await add_grant(
                session,
                daughter,
                resident_id=scene.resident.id,
                grantee_account_id=nurse.id,
                scopes=["profile:read"],
            )
    async with unit_of_work() as session:
        given = await add_grant(
            session, resident, resident_id=scene.resident.id, grantee_account_id=nurse.id, scopes=["profile:read"]
        )
    # Whoever holds a grant may give it back.
    holder = Actor(kind="account", id=nurse.id, community_id=scene.community.id)
    async with unit_of_work() as session:
        await revoke_grant(session, holder, resident_id=scene.resident.id, grant_id=given.id)
    headers = await sign_in(nurse)
    assert headers["Authorization"].startswith("Bearer ")


def test_every_scope_is_explained_in_every_language() -> None:
    for language in LANGUAGES:
        assert SCOPES[language].keys() == ALL
        for kind in ("consent", "proxy", "break_glass"):
            assert "Dora" in explain(language, kind, "Dora", sorted(ALL))


def test_the_closest_language_is_spoken() -> None:
    assert language_for("zh-TW,zh;q=0.9") == "zh-CN"
    assert language_for("fr, en;q=0.8") == "en"
    assert language_for("fr") == "en"


def test_a_resident_needs_no_grant_of_their_own(scene: Scene) -> None:
    account = scene.resident.account_id
    reason = refusal(
        "consent",
        {"profile:read"},
        giver="staff",
        giver_account_id=scene.staff.id,
        grantee_account_id=account,
        resident_account_id=account,
        giver_holds=frozenset(),
    )
    assert reason == "a resident needs no grant of their own"


async def test_what_was_agreed_stays_in_the_words_that_were_shown(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = scene.resident_headers | {"Accept-Language": "en"}
    first = (await client.post(_PATH, json=body(scene, "vitals:read"), headers=headers)).json()
    shown = f"{first['grantee']['name']} may: see your blood pressure, pulse and other measurements."
    agreed_at = clock.now()
    assert (first["agreed"]["text"], first["explanation"]) == (shown, shown)

    monkeypatch.setitem(SCOPES["en"], "vitals:read", "see how your body is doing")
    clock.advance(timedelta(minutes=5))
    (kept,) = (await client.get(_PATH, headers=scene.resident_headers)).json()["items"]
    assert kept["explanation"].endswith("may: see how your body is doing.")
    assert kept["agreed"] == first["agreed"]
    assert (kept["agreed"]["language"], kept["agreed"]["at"]) == ("en", agreed_at.isoformat().replace("+00:00", "Z"))

    change = {"scopes": ["vitals:read"], "expires_at": None}
    path = f"{_PATH}/{first['id']}"
    changed = await client.patch(path, json=change, headers=headers | {"If-Match": '"1"'})
    assert changed.json()["agreed"]["text"].endswith("may: see how your body is doing.")
    assert changed.json()["agreed"]["edition"] != first["agreed"]["edition"]
