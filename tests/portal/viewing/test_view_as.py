"""Support looks on as somebody in the portal: loud, read-only, and over when it is stopped."""

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.identity.models import Account, Community, Resident
from app.identity.viewing.models import SupportViewing
from app.portal.ground.texts import COMMON
from app.portal.viewing.texts import WORDS
from tests.factories import identity as make
from tests.factories.sign_in import session_of
from tests.portal import hostile
from tests.portal.ground import form_on, submit, visitor
from tests.portal.sign_in.browser import SAME

PAGE, BEGIN, STOP = "/portal/operator/view-as", "/portal/viewing", "/portal/viewing/stop"
REASON = "She asked on the phone where her appointments are"


@dataclass(frozen=True)
class Scene:
    """A community with its operator and a resident."""

    community: Community
    operator: Account
    resident: Resident
    grace: Account


@pytest.fixture
async def scene(database: Database, clock: ManualClock) -> Scene:
    community = await make.community()
    operator = await make.operator(community)
    grace = await make.account(community, name="Grace Hopper")
    return Scene(community, operator, await make.resident(community, person=grace, reference="R-1"), grace)


async def begin(client: httpx.AsyncClient, account: Account, reason: str = REASON) -> httpx.Response:
    return await submit(client, f"{PAGE}?account={account.id}", BEGIN, account=str(account.id), reason=reason)


@asynccontextmanager
async def looking_on(app: FastAPI, scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """Hand out the operator's browser while it looks on as the resident."""
    async with visitor(app, scene.operator, second_factor=True) as client:
        answer = await begin(client, scene.grace)
        assert (answer.status_code, answer.headers["location"]) == (303, "/portal"), answer.text
        yield client


async def test_an_operator_finds_whom_they_help(app: FastAPI, scene: Scene) -> None:
    dora = await make.account(scene.community, name="Dora")
    await make.grant(scene.resident, dora, ["profile:read"])
    async with visitor(app, scene.operator, second_factor=True) as client:
        found = await client.get(f"{PAGE}?q=grace")
        assert found.status_code == 200
        assert "Grace Hopper" in found.text
        chosen = await client.get(f"{PAGE}?resident={scene.resident.id}&account={scene.grace.id}")
        assert WORDS["en"]["resident"].format(name="Grace Hopper") in chosen.text
        assert WORDS["en"]["nobody"] in (await client.get(f"{PAGE}?q=nobody-is-called-so")).text


async def test_every_page_says_loudly_as_whom_one_looks_on_and_until_when(app: FastAPI, scene: Scene) -> None:
    async with looking_on(app, scene) as client:
        for path in ("/portal/me", "/portal/me/devices"):
            page = html.unescape((await client.get(path)).text)
            assert COMMON["en"]["viewing"].partition("{name}")[0] + "Grace Hopper" in page
            assert f'action="{STOP}"' in page
        assert (await client.get(PAGE)).status_code == 403  # whom one looks on as is no operator


async def test_no_form_of_the_portal_does_anything_meanwhile(app: FastAPI, scene: Scene) -> None:
    own = await session_of(scene.grace)
    async with looking_on(app, scene) as client:
        page = await client.get("/portal/me/devices")
        fields = form_on(page, "/portal/me/devices/end") | {"session": str(own.id)}
        refused = await client.post("/portal/me/devices/end", data=fields, headers=SAME)
        assert refused.status_code == 403
        assert html.escape(COMMON["en"]["trouble_viewing_is_read_only"]) in refused.text
        posted = 0
        for route in app.routes:
            if (
                not isinstance(route, APIRoute)
                or not route.path.startswith("/portal/")
                or "POST" not in (route.methods or ())
            ):
                continue
            path = route.path.replace("{", "").replace("}", "")
            if path in (STOP, "/portal/sign-out") or path.startswith(("/portal/authorize", "/portal/sign-in")):
                continue
            answer = await client.post(path, data=fields, headers=SAME)
            assert answer.status_code >= 400, path
            posted += 1
        assert posted >= 3
        for path in ("/portal/sign-in/second-factor", "/portal/sign-in/recovery", "/portal/sign-in/authenticator"):
            assert (await client.post(path, data=fields, headers=SAME)).status_code == 403
    async with visitor(app, scene.grace) as herself:
        assert str(own.id) in (await herself.get("/portal/me/devices")).text


async def test_it_is_stopped_from_any_page(app: FastAPI, scene: Scene) -> None:
    async with looking_on(app, scene) as client:
        answer = await submit(client, "/portal/me", STOP)
        assert answer.headers["location"] == f"{PAGE}?done=stopped"
        page = await client.get(answer.headers["location"])
        assert WORDS["en"]["done_stopped"] in page.text
        assert 'class="viewing"' not in page.text
        assert "Edith" in (await client.get("/portal/me")).text


async def test_it_ends_by_itself_and_with_signing_out(app: FastAPI, scene: Scene, clock: ManualClock) -> None:
    async with looking_on(app, scene) as client:
        clock.advance(timedelta(minutes=30))
        assert 'class="viewing"' not in (await client.get("/portal/me")).text
        assert (await begin(client, scene.grace)).status_code == 303
        answer = await submit(client, "/portal/me", "/portal/sign-out")
        assert answer.headers["location"] == "/portal/sign-in?done=signed_out"
        assert (await client.get("/portal/me")).status_code == 303


async def test_a_second_factor_is_asked_for_first(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.operator) as client:
        page = await client.get(f"{PAGE}?account={scene.grace.id}")
        assert WORDS["en"]["factor"] in page.text
        assert "/portal/sign-in/second-factor?next=/portal/operator/view-as" in page.text


async def test_nobody_but_an_operator_is_shown_it(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.grace, second_factor=True) as client:
        assert (await client.get(PAGE)).status_code == 403


@pytest.mark.parametrize(("reason", "wrong"), [("short", "reason_wrong"), ("x" * 501, "reason_wrong")])
async def test_a_reason_that_will_not_do_is_said(app: FastAPI, scene: Scene, reason: str, wrong: str) -> None:
    async with visitor(app, scene.operator, second_factor=True) as client:
        answer = await begin(client, scene.grace, reason)
        assert answer.status_code == 422
        assert WORDS["en"][wrong] in answer.text
        assert reason in answer.text


async def test_whoever_cannot_be_looked_on_as_is_said(app: FastAPI, scene: Scene) -> None:
    colleague = await make.operator(scene.community)
    elsewhere = await make.account(await make.community(name="Hillside"))
    async with visitor(app, scene.operator, second_factor=True) as client:
        for person, wrong, status in ((colleague, "not_to_be_viewed", 403), (elsewhere, "not_found", 404)):
            answer = await begin(client, person)
            assert answer.status_code == status
            assert WORDS["en"][wrong] in answer.text
    async with unit_of_work() as session:
        assert (await session.scalars(sa.select(SupportViewing))).all() == []


@pytest.mark.parametrize("name", hostile.NAMES)
async def test_names_are_text_in_the_banner_too(app: FastAPI, scene: Scene, name: str) -> None:
    person = await make.account(scene.community, name=name)
    await make.resident(scene.community, person=person)
    async with visitor(app, scene.operator, second_factor=True) as client:
        assert (await begin(client, person)).status_code == 303
        assert hostile.harmless((await client.get("/portal/me")).text)


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])


async def test_a_form_that_was_shown_while_looking_on_does_nothing_as_oneself(
    app: FastAPI, scene: Scene, clock: ManualClock
) -> None:
    async with looking_on(app, scene) as client:
        shown = await client.get("/portal/me/devices")
        fields = form_on(shown, "/portal/me/devices/all")
        clock.advance(timedelta(minutes=31))
        refused = await client.post("/portal/me/devices/all", data=fields, headers=SAME)
        assert refused.status_code == 403
        assert html.escape(COMMON["en"]["trouble_not_our_form"]) in refused.text
        assert (await client.get("/portal/me/devices")).status_code == 200
        # To stop is to have stopped, and whoever signs out is signed out, from a page of then.
        stopped = await client.post(STOP, data=form_on(shown, STOP), headers=SAME)
        assert stopped.headers["location"] == f"{PAGE}?done=stopped"
        left = await client.post("/portal/sign-out", data=form_on(shown, STOP), headers=SAME)
        assert left.headers["location"] == "/portal/sign-in?done=signed_out"


async def test_a_form_of_one_viewing_is_none_of_the_next(app: FastAPI, scene: Scene) -> None:
    async with looking_on(app, scene) as client:
        first = form_on(await client.get("/portal/me"), STOP)["csrf"]
        await submit(client, "/portal/me", STOP)
        assert (await begin(client, scene.grace)).status_code == 303
        assert form_on(await client.get("/portal/me"), STOP)["csrf"] != first
