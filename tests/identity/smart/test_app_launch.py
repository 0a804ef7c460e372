"""SMART App Launch: an app asks, a person signs in and decides, and what was agreed to can be ended at any time."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.settings import Settings, install_settings
from app.identity.clients.models import ApiClient
from app.identity.events import AccountDeactivated
from app.identity.models import Account, Grant, Organization, Resident
from app.identity.sessions import tokens as sessions_tokens
from app.identity.smart import subscribers
from tests.factories import identity, smart, telemedicine_clinics
from tests.factories.sign_in import bearer, sign_in, sign_in_resident
from tests.factories.smart import (
    BACK,
    CHALLENGE,
    FHIR,
    TOKEN,
    VERIFIER,
    Browser,
    Machine,
    asked,
    choices,
    exchanged,
    told,
)

PHONE, DAUGHTERS = "+8613800000031", "+8613800000032"
READ = "launch/patient patient/Patient.rs patient/Observation.rs openid fhirUser offline_access"


@dataclass(frozen=True)
class Scene:
    """A resident, a daughter she lets see her profile, and apps of an agency's: with keys, and without."""

    resident: Resident
    daughter: Account
    grant: Grant
    app: Machine
    signing: Machine


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Set the scene."""
    place = await identity.community()
    agency = await identity.organization(place, "care_agency", name="Lake Care")
    resident = await identity.resident(place, name="Grace Hopper", phone=PHONE)
    daughter = await identity.account(place, name="Dora", phone=DAUGHTERS)
    grant = await identity.grant(resident, daughter, ["profile:read"])
    scopes = ("profile:read", "vitals:read", "appointments:manage")
    app = await smart.machine(agency, scopes, redirect_uris=[BACK], name="Heart <b>app</b>")
    signing = await smart.machine(agency, scopes, redirect_uris=[BACK], key=smart.ec_key())
    return Scene(resident, daughter, grant, app, signing)


async def test_a_resident_is_asked_in_plain_words_and_agrees(client: httpx.AsyncClient, scene: Scene) -> None:
    browser = Browser(client)
    answer = await browser.open(asked(scene.app, READ))
    assert answer.status_code == 200
    assert "Heart &lt;b&gt;app&lt;/b&gt; asks to be connected" in browser.page
    assert "Lake Care" in browser.page
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert policy.endswith("form-action 'self' https://app.example")
    assert answer.headers["x-frame-options"] == "DENY"
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    consent = await browser.sign_in(PHONE)
    assert "You are signed in as Grace Hopper." in browser.page
    assert "see: measurements, such as blood pressure, of the person you choose below" in browser.page
    assert "add and change" not in browser.page
    assert "until you end it" in browser.page
    assert consent.headers["cache-control"] == "no-store"
    assert choices(browser.page, "patient") == {"Grace Hopper": str(scene.resident.id)}
    back = await browser.agree(patient=str(scene.resident.id))
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("st&te", "http://127.0.0.1:8000")
    answer = await smart.exchanged(client, scene.app, back["code"])
    assert answer.headers["cache-control"] == "no-store"


async def test_an_app_is_told_who_it_is_about_and_who_let_it_in(client: httpx.AsyncClient, scene: Scene) -> None:
    given = await smart.connected(client, scene.app, PHONE, READ, "Grace Hopper")
    assert (given["patient"], given["token_type"], given["expires_in"]) == (str(scene.resident.id), "Bearer", 900)
    assert given["scope"] == READ
    keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == jwt.get_unverified_header(given["id_token"])["kid"]))
    options: Any = {"verify_exp": False, "verify_iat": False}
    said = jwt.decode(given["id_token"], key, ["EdDSA"], audience=str(scene.app.id), options=options)
    assert said["fhirUser"] == f"{FHIR}/Patient/{scene.resident.id}"
    assert (said["iss"], said["sub"]) == ("http://127.0.0.1:8000", str(scene.resident.account_id))
    refused = await client.get("/v1/me/sessions", headers=bearer(given["id_token"]))
    assert refused.status_code == 401


async def test_a_person_sees_what_an_app_does_and_ends_it(client: httpx.AsyncClient, scene: Scene) -> None:
    given = await smart.connected(client, scene.app, PHONE, READ, "Grace Hopper")
    app = bearer(given["access_token"])
    found = (await client.get("/fhir/R4/Patient", headers=app)).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [str(scene.resident.id)]
    assert (await client.get("/v1/me/connected-apps", headers=app)).status_code == 401
    me = await sign_in_resident(scene.resident)
    (entry,) = (await client.get("/v1/me/connected-apps", headers=me)).json()["items"]
    assert (entry["name"], entry["organization"], entry["resident_name"]) == (
        "Heart <b>app</b>",
        "Lake Care",
        "Grace Hopper",
    )
    accesses = (await client.get("/v1/me/data-accesses", headers=me)).json()["items"]
    (seen,) = accesses
    assert (seen["action"], seen["app"], seen["is_reading"]) == ("app:read", "Heart <b>app</b>", True)
    assert seen["explanation"] == "Heart <b>app</b> looked at data of yours."
    assert (await client.delete(f"/v1/me/connected-apps/{entry['id']}", headers=me)).status_code == 204
    assert (await client.delete(f"/v1/me/connected-apps/{entry['id']}", headers=me)).status_code == 404
    assert (await client.get("/fhir/R4/Patient", headers=app)).status_code == 401
    again = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], "client_id": str(scene.app.id)}
    assert (await client.post(TOKEN, data=again)).json()["error"] == "invalid_grant"
    assert (await client.get("/v1/me/connected-apps", headers=me)).json()["items"] == []


async def test_whoever_is_let_see_somebody_chooses_whom_and_no_longer_than_they_are_let(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    given = await smart.connected(client, scene.signing, DAUGHTERS, READ, "Grace Hopper")
    assert "fhirUser" not in given["scope"].split()  # a relative is nobody in FHIR here
    app = bearer(given["access_token"])
    path = f"/fhir/R4/Patient/{scene.resident.id}"
    assert (await client.get(path, headers=app)).status_code == 200
    readings = f"/fhir/R4/Observation?patient={scene.resident.id}"
    assert (await client.get(readings, headers=app)).status_code == 403  # the app may, the daughter may not
    async with unit_of_work() as session:
        (await session.get_one(Grant, scene.grant.id)).revoked_at = clock.now()
    assert (await client.get(path, headers=app)).status_code == 404
    theirs = await sign_in(scene.daughter)
    others = await sign_in_resident(scene.resident)
    (entry,) = (await client.get("/v1/me/connected-apps", headers=theirs)).json()["items"]
    assert (await client.get("/v1/me/connected-apps", headers=others)).json()["items"] == []
    assert (await client.delete(f"/v1/me/connected-apps/{entry['id']}", headers=others)).status_code == 404


async def test_a_clinician_comes_in_as_a_practitioner_unless_their_role_needs_a_second_factor(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    place = await identity.community_of(scene.daughter)
    organization = await identity.organization(place, "clinic")
    await identity.agreement(organization, None, scene.resident)
    clinician = await identity.staff(organization, "clinician", phone="+8613800000033")
    clinic = await telemedicine_clinics.clinic(place, organization)
    practitioner = await telemedicine_clinics.practitioner(clinic, clinician)
    scope = "openid fhirUser user/Patient.rs user/Practitioner.r"
    given = await smart.connected(client, scene.app, "+8613800000033", scope)
    assert given["scope"] == scope
    who = jwt.decode(given["id_token"], options={"verify_signature": False})["fhirUser"]
    assert who == f"{FHIR}/Practitioner/{practitioner.id}"
    app = bearer(given["access_token"])
    assert (await client.get(who.removeprefix("http://127.0.0.1:8000"), headers=app)).status_code == 200
    patient = f"/fhir/R4/Patient/{scene.resident.id}"
    assert (await client.get(patient, headers=app)).status_code == 200
    async with unit_of_work() as session:
        (await session.get_one(Organization, organization.id)).requires_second_factor = True
    assert (await client.get(patient, headers=app)).status_code == 404


async def test_an_app_without_keys_needs_the_verifier_and_one_with_keys_signs(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    browser = Browser(client)
    await browser.open(asked(scene.signing, "user/Patient.r"))
    await browser.sign_in(PHONE)
    code = (await browser.agree())["code"]
    by_name = {"client_id": str(scene.signing.id), "client_assertion": None, "client_assertion_type": None}

    async def tried(app: Machine, **changes: Any) -> str:
        form: dict[str, Any] = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        form["code_verifier"] = VERIFIER
        form |= smart.shown_by(app) | changes
        answer = await client.post(TOKEN, data={name: value for name, value in form.items() if value is not None})
        return str(answer.json().get("error", answer.status_code))

    assert await tried(scene.signing, **by_name) == "invalid_client"
    assert await tried(scene.app) == "invalid_grant"  # another client's code
    assert await tried(scene.signing, code_verifier=VERIFIER + "1") == "invalid_grant"
    assert await tried(scene.signing, code_verifier=CHALLENGE) == "invalid_grant"
    assert await tried(scene.signing, code_verifier=None) == "invalid_grant"
    assert await tried(scene.signing, redirect_uri=BACK + "/") == "invalid_grant"
    assert await tried(scene.signing, redirect_uri=None) == "invalid_grant"
    assert await tried(scene.signing, code="guessed") == "invalid_grant"
    assert await tried(scene.signing) == "200"


async def test_a_code_is_exchanged_once_and_a_second_time_ends_it_all(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    browser = Browser(client)
    await browser.open(asked(scene.app, "user/Patient.r offline_access"))
    await browser.sign_in(PHONE)
    code = (await browser.agree())["code"]
    answers = await asyncio.gather(*(smart.exchanged(client, scene.app, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    (given,) = (answer.json() for answer in answers if answer.status_code == 200)
    path = f"/fhir/R4/Patient/{scene.resident.id}"
    assert (await client.get(path, headers=bearer(given["access_token"]))).status_code == 401
    late = Browser(client)
    await late.open(asked(scene.app, "user/Patient.r"))
    await late.sign_in(PHONE)
    code = (await late.agree())["code"]
    clock.advance(timedelta(minutes=1))
    assert (await smart.exchanged(client, scene.app, code)).json()["error"] == "invalid_grant"


async def test_refresh_tokens_change_and_one_that_was_used_ends_it_all(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    first = await smart.connected(client, scene.app, PHONE, READ, "Grace Hopper")

    async def refreshed(token: str, **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": str(scene.app.id), **more}
        return await client.post(TOKEN, data=form)

    clock.advance(timedelta(minutes=15))
    path = f"/fhir/R4/Patient/{scene.resident.id}"
    assert (await client.get(path, headers=bearer(first["access_token"]))).status_code == 401
    assert (await refreshed(first["access_token"])).json()["error"] == "invalid_grant"
    assert (await refreshed(first["refresh_token"], scope="user/*.cruds")).json()["error"] == "invalid_scope"
    less = (await refreshed(first["refresh_token"], scope="patient/Patient.rs")).json()
    assert (less["scope"], less["patient"]) == ("patient/Patient.rs", str(scene.resident.id))
    narrow = bearer(less["access_token"])
    assert (await client.get(path, headers=narrow)).status_code == 200
    assert (await client.get("/fhir/R4/Observation", headers=narrow)).status_code == 403
    second = (await refreshed(less["refresh_token"])).json()
    assert second["scope"] == READ
    assert (await client.get(path, headers=bearer(less["refresh_token"]))).status_code == 401
    assert (await refreshed(less["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await client.get(path, headers=bearer(second["access_token"]))).status_code == 401
    assert (await refreshed(second["refresh_token"])).json()["error"] == "invalid_grant"
    none = await smart.connected(client, scene.app, PHONE, "user/Patient.r")
    assert "refresh_token" not in none
    online = await smart.connected(client, scene.app, PHONE, "user/Patient.r online_access")
    clock.advance(timedelta(hours=8))
    assert (await refreshed(online["refresh_token"])).json()["error"] == "invalid_grant"


async def test_of_two_who_refresh_at_once_one_is_given_tokens(client: httpx.AsyncClient, scene: Scene) -> None:
    given = await smart.connected(client, scene.app, PHONE, READ, "Grace Hopper")
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], "client_id": str(scene.app.id)}
    answers = await asyncio.gather(*(client.post(TOKEN, data=form) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_who_asks_badly_is_told_so_and_nobody_is_sent_elsewhere(client: httpx.AsyncClient, scene: Scene) -> None:
    browser = Browser(client)
    for changes in (
        {"client_id": "me"},
        {"client_id": str(scene.resident.id)},
        {"redirect_uri": None},
        {"redirect_uri": "https://app.example/back/"},
        {"redirect_uri": "https://app.example/back?x=1"},
        {"redirect_uri": "https://app.example.evil.example/back"},
        {"redirect_uri": "javascript:alert(1)"},
    ):
        answer = await browser.open(asked(scene.app, READ, **changes))
        assert (answer.status_code, "location" in answer.headers) == (400, False), changes
        assert "Nothing was shared" in answer.text
    for changes, error in (
        ({"state": ""}, "invalid_request"),
        ({"state": "a\r\nSet-Cookie: b"}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"aud": ""}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"launch": "xyz"}, "invalid_request"),
        ({"request": "xyz"}, "invalid_request"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "patient/Observation.sr"}, "invalid_scope"),
        ({"scope": "patient/Condition.rs"}, "invalid_scope"),  # no scope of the app's
        ({"scope": "profile"}, "invalid_scope"),
    ):
        answer = await browser.open(asked(scene.app, READ) | changes, follow_redirects=False)
        assert answer.status_code == 303, (changes, answer.text)
        back = told(answer)
        assert (back["error"], back["iss"]) == (error, "http://127.0.0.1:8000"), changes
        assert back.get("state") == (None if "state" in changes else "st&te"), changes
    twice = httpx.QueryParams(asked(scene.app, READ)).add("redirect_uri", "https://evil.example/")
    assert (await client.get(smart.AUTHORIZE, params=twice)).status_code == 400


async def test_nobody_decides_for_somebody_elses_browser(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    browser, thief = Browser(client), Browser(client)
    await browser.open(asked(scene.app, READ))
    await thief.open(asked(scene.app, READ))
    assert (await browser.post("decision", decision="agree")).status_code == 400  # nobody has signed in
    await browser.open(asked(scene.app, READ))
    await browser.sign_in(PHONE)
    chosen = {"decision": "agree", "patient": str(scene.resident.id)}
    thief.page = page = browser.page
    assert (await thief.post("decision", **chosen)).status_code == 400
    assert (await browser.post("decision", site="cross-site", **chosen)).status_code == 400
    browser.page = page
    assert "Grace Hopper" in (await browser.post("find", name="grace")).text
    assert "nobody whose data" in (await browser.post("find", name="%")).text
    stranger = await identity.resident(await identity.community())
    assert (await browser.post("decision", decision="agree", patient=str(stranger.id))).status_code == 400
    browser.page = page
    assert (await browser.post("decision", decision="agree")).status_code == 400  # of whom?
    browser.page = page
    denied = told(await browser.post("decision", decision="refuse"))
    assert (denied["error"], denied["state"], denied["iss"]) == ("access_denied", "st&te", "http://127.0.0.1:8000")
    browser.page = page
    assert (await browser.post("decision", **chosen)).status_code == 400  # it is over
    await browser.open(asked(scene.app, READ))
    await browser.sign_in(PHONE)
    clock.advance(timedelta(minutes=15))
    assert (await browser.post("decision", **chosen)).status_code == 400


async def test_over_https_nobody_else_sets_the_cookie(
    client: httpx.AsyncClient, scene: Scene, test_settings: Settings
) -> None:
    http = test_settings.http.model_copy(update={"public_url": "https://care.example"})
    install_settings(test_settings.model_copy(update={"http": http}))
    try:
        there = {"aud": "https://care.example/fhir/R4"}
        browser = Browser(client)
        cookie = (await browser.open(asked(scene.app, READ) | there)).headers["set-cookie"]
        assert cookie.startswith("__Host-hearthline_authorize=")
        assert "Path=/; " in cookie
        assert "Secure" in cookie
        assert (await browser.sign_in(PHONE)).status_code == 200
    finally:
        install_settings(test_settings)


async def test_signing_in_counts_what_is_wrong_and_tells_nobody_who_is_known(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    browser = Browser(client)
    await browser.open(asked(scene.app, READ))
    first = browser.page
    known = (await browser.post("code", contact=PHONE)).text
    browser.page = first
    unknown = (await browser.post("code", contact="+8613800000099")).text
    assert known == unknown
    assert (await browser.post("sign-in", code=await smart.sent_code())).status_code == 400  # nobody is there
    browser.page = first
    assert "no phone number" in (await browser.post("code", contact="me")).text
    browser.page = first
    await browser.post("code", contact=PHONE)
    good = await smart.sent_code()
    for _ in range(5):
        assert (await browser.post("sign-in", code="000000" if good != "000000" else "111111")).status_code == 400
    assert (await browser.post("sign-in", code=good)).status_code == 400  # too many were wrong
    browser.page = first
    statuses = []
    for _ in range(4):
        statuses.append((await browser.post("code", contact=PHONE)).status_code)
        browser.page = first
    assert statuses == [200, 200, 200, 429]


async def test_several_who_share_a_number_say_who_they_are(client: httpx.AsyncClient, scene: Scene) -> None:
    place = await identity.community_of(scene.daughter)
    await identity.resident(place, name="Howard Hopper", phone=PHONE)
    browser = Browser(client)
    await browser.open(asked(scene.app, "user/Patient.rs", lang="zh-CN"))
    assert '<html lang="zh-CN">' in browser.page
    await browser.sign_in(PHONE)
    people = choices(browser.page, "account")
    assert people.keys() == {"Grace Hopper", "Howard Hopper"}
    code = re.search(r'name="code"[^>]* value="(\d{6})"', browser.page)
    assert code is not None
    await browser.post("sign-in", code=code[1], account=people["Howard Hopper"])
    assert "您已以“Howard Hopper”的身份登录。" in browser.page
    assert "查看：姓名、生日和语言（您有权查看的所有人）" in browser.page


async def test_a_token_of_an_app_ends_with_the_app_the_person_and_its_registration(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    given = await smart.connected(client, scene.app, PHONE, "user/Patient.rs")
    path, headers = f"/fhir/R4/Patient/{scene.resident.id}", bearer(given["access_token"])
    assert (await client.get(path, headers=headers)).status_code == 200
    revoked = await client.post("/v1/oauth/revoke", data={"token": given["access_token"], "client_id": scene.app.id})
    assert revoked.status_code == 200
    assert (await client.get(path, headers=headers)).status_code == 401
    given = await smart.connected(client, scene.app, PHONE, "user/Patient.rs")
    headers = bearer(given["access_token"])
    said = await client.post("/v1/oauth/introspect", data={"token": given["access_token"], "client_id": scene.app.id})
    assert (said.json()["active"], said.json()["sub"]) == (True, str(scene.resident.account_id))
    async with unit_of_work() as session:
        (await session.get_one(Account, scene.resident.account_id)).state = "deactivated"
    assert (await client.get(path, headers=headers)).status_code == 401
    assert str(scene.app.id) != sessions_tokens.AUDIENCE


async def test_who_is_let_in_again_finds_no_app_connected(client: httpx.AsyncClient, scene: Scene) -> None:
    given = await smart.connected(client, scene.app, DAUGHTERS, READ, "Grace Hopper")
    headers = bearer(given["access_token"])
    path = f"/fhir/R4/Patient/{scene.resident.id}"
    assert (await client.get(path, headers=headers)).status_code == 200
    event = AccountDeactivated(aggregate_id=scene.daughter.id, community_id=scene.daughter.community_id)
    async with unit_of_work() as session:
        await subscribers.SUBSCRIBERS[0].handle(session, [event])
    assert (await client.get(path, headers=headers)).status_code == 401
    again = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], "client_id": str(scene.app.id)}
    assert (await client.post(TOKEN, data=again)).json()["error"] == "invalid_grant"
    theirs = await sign_in(scene.daughter)
    assert (await client.get("/v1/me/connected-apps", headers=theirs)).json()["items"] == []


async def test_nobody_is_sent_where_the_app_is_no_more(client: httpx.AsyncClient, scene: Scene) -> None:
    agreed, waiting = Browser(client), Browser(client)
    for browser in (agreed, waiting):
        await browser.open(asked(scene.app, "user/Patient.r"))
        await browser.sign_in(PHONE)
    code = (await agreed.agree())["code"]
    async with unit_of_work() as session:
        (await session.get_one(ApiClient, scene.app.id)).redirect_uris = ["https://app.example/moved"]
    assert (await waiting.post("decision", decision="agree")).status_code == 400
    answer = await exchanged(client, scene.app, code)
    assert answer.json()["error"] == "invalid_grant"
