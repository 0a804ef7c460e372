"""Notifications of a browser over HTTP: what is the same for all, and what only a script of ours may change."""

import json
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from httpx import AsyncClient

from app.core import vapid
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.tables import table_of
from app.identity.api import installations
from app.identity.installations.models import Installation
from app.identity.models import Membership
from app.identity.sessions.jobs import JOBS
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.portal.ground import ADDRESS, visitor

pytestmark = pytest.mark.usefixtures("clock", "client")

JSON = {"Content-Type": "application/json", "Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}


def subscription(name: str = "ada") -> dict[str, object]:
    """Return what a browser subscribes with."""
    _, public = vapid.make_pair()
    keys = {"p256dh": public, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
    return {"endpoint": f"https://push.example.net/{name}", "expirationTime": None, "keys": keys}


async def test_the_worker_the_manifest_and_the_picture_are_everybodys_and_say_nothing(client: AsyncClient) -> None:
    worker = await client.get("/portal/worker.js")
    manifest = await client.get("/portal/manifest.webmanifest")
    picture = await client.get("/portal/icon.svg")
    assert worker.status_code == manifest.status_code == picture.status_code == 200
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    assert "'none'" in worker.headers["content-security-policy"]
    assert 'fetch"' not in worker.text
    assert "caches" not in worker.text
    document = json.loads(manifest.text)
    assert (document["start_url"], document["scope"]) == ("/portal", "/portal")
    assert (await client.get(document["icons"][0]["src"])).status_code == 200


async def test_a_browser_is_registered_for_its_sign_in_and_can_be_switched_off_again(app: FastAPI) -> None:
    scene = await alarms.scene()
    person = scene.circle[0]
    async with visitor(app, person) as browser:
        for name in ("ada", "ada-renewed"):
            kept = await browser.post("/portal/push/subscription", headers=JSON, content=json.dumps(subscription(name)))
            assert kept.status_code == 204, kept.text
        async with reading() as connection:
            (target,) = await installations(connection, [person.id])
        assert target.web_push is not None
        assert (target.provider, target.web_push.endpoint) == ("webpush", "https://push.example.net/ada-renewed")
        for _ in range(2):
            assert (await browser.post("/portal/push/end", headers=JSON, content="{}")).status_code == 204
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(table_of(Installation))) == 0


async def test_a_browser_of_the_desk_is_reached_while_it_is_signed_in_and_a_relatives_until_they_sign_out(
    app: FastAPI, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    relative = scene.circle[0]

    async def reached() -> set[uuid.UUID]:
        async with reading() as connection:
            return {one.account_id for one in await installations(connection, [relative.id, scene.desk.id])}

    async with visitor(app, relative) as theirs, visitor(app, scene.desk) as desks:
        for browser, name in ((theirs, "relative"), (desks, "desk")):
            kept = await browser.post("/portal/push/subscription", headers=JSON, content=json.dumps(subscription(name)))
            assert kept.status_code == 204
        clock.advance(timedelta(hours=11))
        assert await reached() == {relative.id, scene.desk.id}
        clock.advance(timedelta(hours=2))
        assert await reached() == {relative.id}
        clock.advance(timedelta(days=200))
        await settle(JOBS)  # their sessions are forgotten
        assert await reached() == {relative.id}
        assert (await theirs.get("/portal/me")).status_code == 303  # they are asked who they are, all the same


async def test_a_relative_who_works_here_no_more_is_reached_where_they_signed_in_since(
    app: FastAPI, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    relative = scene.circle[0]
    role = await identity.membership(scene.operator, relative, "dispatcher")

    async def reached() -> set[str]:
        async with reading() as connection:
            found = await installations(connection, [relative.id])
        return {one.web_push.endpoint.rpartition("/")[2] for one in found if one.web_push}

    async def keeps(name: str) -> None:
        async with visitor(app, relative) as browser:
            kept = await browser.post("/portal/push/subscription", headers=JSON, content=json.dumps(subscription(name)))
            assert kept.status_code == 204, kept.text

    await keeps("desk")
    clock.advance(timedelta(days=2))
    assert await reached() == set()
    async with unit_of_work() as session:
        (await session.get_one(Membership, role.id)).ended_at = clock.now()
    # The browser on the desk is not theirs for that they have left.
    assert await reached() == set()
    clock.advance(timedelta(minutes=1))
    await keeps("own")
    clock.advance(timedelta(days=200))
    await settle(JOBS)
    assert await reached() == {"own"}
    await identity.membership(scene.operator, relative, "dispatcher")
    assert await reached() == set()


async def test_only_a_script_of_ours_can_register_a_browser(app: FastAPI, client: AsyncClient) -> None:
    scene = await alarms.scene()
    content = json.dumps(subscription())
    async with visitor(app, scene.circle[0]) as browser:
        for headers in (
            JSON | {"Origin": "https://evil.example"},
            JSON | {"Sec-Fetch-Site": "cross-site"},
            JSON | {"Content-Type": "text/plain"},
        ):
            refused = await browser.post("/portal/push/subscription", headers=headers, content=content)
            assert refused.status_code == 403
        for bad in ({"endpoint": "http://127.0.0.1/", "keys": {"p256dh": "x", "auth": "y"}}, {}):
            wrong = await browser.post("/portal/push/subscription", headers=JSON, content=json.dumps(bad))
            assert wrong.status_code == 422
    nobody = await client.post(
        "/portal/push/subscription", headers={"Content-Type": "application/json"}, content=content
    )
    assert nobody.status_code in (303, 401)
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(table_of(Installation))) == 0


async def test_where_no_pushes_are_sent_nothing_is_offered(app: FastAPI) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    async with visitor(app, scene.circle[0]) as browser:
        page = await browser.get("/portal/push")
        assert "sends no notifications to browsers" in page.text
        assert "push-offer" not in (await browser.get(f"/portal/alarms/{alarm.id}")).text


async def test_the_page_with_the_switch_is_chinese_for_who_reads_chinese(app: FastAPI) -> None:
    place = await identity.community()
    person = await identity.account(place, phone="+8613800000055", language="zh-CN")
    async with visitor(app, person) as browser:
        assert "此设备上的通知" in (await browser.get("/portal/push")).text
