"""The server's half of the outbox: answers to a script, and the script of the worker."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from httpx import AsyncClient

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.idempotency import FORGET_JOB, Claim
from app.core.jobs import settle
from app.identity.models import Account
from app.portal.ground import asking
from app.portal.ground.assets import asset, files
from app.portal.offline.giving import OLDEST
from app.portal.offline.working import offline_script
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.portal.ground import form_on, visitor

pytestmark = pytest.mark.usefixtures("clock", "client")


async def test_who_is_signed_in_is_told_to_our_own_pages_alone(app: FastAPI, client: AsyncClient) -> None:
    scene = await alarms.scene()
    async with visitor(app, scene.circle[0]) as browser:
        told = await browser.get("/portal/outbox/person")
        assert told.json()["who"] == str(scene.circle[0].id)
        assert told.headers["cross-origin-resource-policy"] == "same-origin"
        assert told.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in told.headers
    assert (await client.get("/portal/outbox/person", headers={"X-Outbox": "1"})).status_code == 401


async def test_any_form_answers_a_script_with_where_a_browser_would_be_led(app: FastAPI) -> None:
    scene = await alarms.scene()
    async with visitor(app, scene.circle[0]) as browser:
        token = (await browser.get("/portal/outbox/person")).json()["csrf"]
        headers = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}
        kept = await browser.post("/portal/look", data={"csrf": token, "look": "dark"}, headers=headers)
        assert (kept.status_code, kept.json()) == (200, {"next": "/portal/me?done=look"})
        assert "hearthline_look=dark" in kept.headers["set-cookie"]
        wrong = await browser.post("/portal/look", data={"csrf": "x", "look": "dark"}, headers=headers)
        assert (wrong.status_code, wrong.json()["code"]) == (403, "not_our_form")
        assert wrong.json()["said"]


@pytest.mark.parametrize("ends", [True, False], ids=["it ends", "it hangs"])
async def test_what_the_same_press_still_does_is_waited_for_and_never_said_to_be_not_taken(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    monkeypatch.setattr(asking, "_UNTIL_DONE", (0.05,) * (200 if ends else 2))
    met, call = asyncio.Event(), asking.OwnApi._call

    async def seen(*given: Any) -> asking.Answer:
        answer = await call(*given)
        if answer.status == 409:
            met.set()
        return answer

    monkeypatch.setattr(asking.OwnApi, "_call", seen)
    scene = await alarms.scene()
    async with unit_of_work() as session:
        person = await session.get_one(Account, scene.resident.account_id)
    async with visitor(app, person) as browser:
        page = f"/portal/circles/{scene.resident.id}/messages"
        fields = form_on(await browser.get(page), page) | {"text": "On my way"}
        running = Claim.of(person.id, "POST", "/v1/me/circle-messages", fields["key"], b"").lock
        headers = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}
        async with unit_of_work() as session:
            # A try whose answer the device did not wait for.
            await session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(running, sa.BigInteger))))
            trying = asyncio.create_task(browser.post(page, data=fields, headers=headers))
            await met.wait()
            if not ends:
                answer = await trying
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        if ends:
            assert (await trying).status_code == 200


async def test_what_somebody_wrote_into_the_store_by_hand_counts_as_whoever_is_signed_in(app: FastAPI) -> None:
    scene = await alarms.scene()
    stranger = await identity.account(scene.community, name="Stranger")
    async with unit_of_work() as session:
        person = await session.get_one(Account, scene.resident.account_id)
    page = f"/portal/circles/{scene.resident.id}/messages"
    headers = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}
    theirs = {"who": str(person.id), "resident_id": str(scene.resident.id), "key": "one-key", "text": "I am fine"}
    async with visitor(app, person) as browser, visitor(app, stranger) as other:
        token = (await browser.get("/portal/outbox/person")).json()["csrf"]
        sent = await browser.post(page, data=theirs | {"csrf": token}, headers=headers)
        assert sent.status_code == 200, sent.text
        # With the other's token it is no form of ours, with one's own it is one's own doing: nothing of theirs is told.
        forged = await other.post(page, data=theirs | {"csrf": token}, headers=headers)
        assert (forged.status_code, forged.json()["code"]) == (403, "not_our_form")
        own = (await other.get("/portal/outbox/person")).json()
        assert own["who"] == str(stranger.id)
        for path in (page, "/me/help"):
            refused = await other.post(path, data=theirs | {"csrf": own["csrf"]}, headers=headers)
            assert refused.status_code in (403, 404), refused.text
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm") == 0
    authors = await alarms.scalar("SELECT array_agg(author_id) FROM eldercare_circle_message")
    assert authors == [person.id]


async def test_who_is_signed_in_is_told_however_often_it_is_asked_as_a_call_for_help_asks_it_first(
    app: FastAPI, client: AsyncClient
) -> None:
    scene = await alarms.scene()
    async with visitor(app, scene.circle[0]) as browser:
        assert {(await browser.get("/portal/outbox/person")).status_code for _ in range(300)} == {200}
    assert {(await client.get("/portal/outbox/person", headers={"X-Outbox": "1"})).status_code for _ in range(300)} == {
        401
    }


async def test_what_was_done_is_not_done_again_by_a_device_whose_answer_was_lost_days_ago(
    app: FastAPI, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    async with unit_of_work() as session:
        person = await session.get_one(Account, scene.resident.account_id)
    page = f"/portal/circles/{scene.resident.id}/messages"
    given = {"key": "pressed-once", "text": "I have fallen asleep", "given_at": clock.now().isoformat()}
    for days in (OLDEST, timedelta(hours=23)):
        async with visitor(app, person) as browser:
            token = (await browser.get("/portal/outbox/person")).json()["csrf"]
            headers = {"X-Outbox": "1", "Sec-Fetch-Site": "same-origin"}
            sent = await browser.post(page, data=given | {"csrf": token}, headers=headers)
            assert sent.status_code == 200, sent.text
        clock.advance(days)
        await settle([FORGET_JOB])
    assert await alarms.scalar("SELECT count(*) FROM eldercare_circle_message") == 1
    assert await alarms.scalar("SELECT count(*) FROM core_idempotent_answer") == 1
    clock.advance(timedelta(hours=1))
    await settle([FORGET_JOB])
    assert await alarms.scalar("SELECT count(*) FROM core_idempotent_answer") == 0


def test_a_worker_keeps_every_file_its_pages_load() -> None:
    script = offline_script("/me", features=("resident_home",), pages=("/me",), without=("/me/offline?lang=en",))
    for feature, name in files():
        assert (asset(f"{feature}/{name}") in script) == (feature in ("ground", "offline", "push", "resident_home"))
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
