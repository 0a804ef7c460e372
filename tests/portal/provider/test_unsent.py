"""What waited on a worker's phone: taken once, at the time it was pressed, or said why not, with what to do now."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.portal.ground.texts import COMMON
from app.portal.provider.texts import WORDS
from community.orders.models import Order
from tests.factories import community_orders as orders
from tests.media.samples import photo
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor
from tests.portal.provider.conftest import CODE, Scene
from tests.portal.provider.test_desk import of_order
from tests.portal.provider.test_people import WORK

EN = WORDS["en"]
SCRIPT = {"X-Outbox": "1"}


async def sent(browser: httpx.AsyncClient, page: str, act: str, given: datetime, **fields: str) -> tuple[int, Any]:
    """Send what a form of a page says as the outbox does, twice: an answer may get lost."""
    data = form_on(await browser.get(page), f"{page}/{act}") | fields | {"given_at": given.isoformat()}
    files = {"file": ("photo.jpg", photo(), "image/jpeg")} if data.pop("file", None) is not None else None
    first = await browser.post(f"{page}/{act}", data=data, files=files, headers=SCRIPT)
    second = await browser.post(f"{page}/{act}", data=data, files=files, headers=SCRIPT)
    assert first.status_code == second.status_code, (act, first.text, second.text)
    return first.status_code, first.json()


async def assigned(scene: Scene, hours: float = 0.4) -> tuple[Order, str]:
    """Have Ai go somewhere, and return the order and its page."""
    row = await scene.ordered(hours=hours)
    page = f"{scene.root}/orders/{row.id}"
    async with visitor(scene.app, scene.boss) as desk:
        given = await submit(desk, page, f"{page}/assignment", worker_id=str(scene.ai.id))
        assert given.status_code == 303
    return row, f"{WORK}/orders/{row.id}"


async def test_what_waited_is_there_once_with_its_times(scene: Scene, clock: ManualClock) -> None:
    row, page = await assigned(scene)
    clock.advance(timedelta(hours=2))
    begins = row.starts_at
    steps: tuple[tuple[str, int, dict[str, str]], ...] = (
        ("on-the-way", -15, {}),
        ("start", -1, {"code": CODE}),
        ("notes", 10, {"text": "The tap drips", "unwell": ""}),
        ("photos", 20, {}),
        ("completion", 60, {"done": "kitchen"}),
    )
    async with visitor(scene.app, scene.ai) as browser:
        for act, minutes, fields in steps:
            status, said = await sent(browser, page, act, begins + timedelta(minutes=minutes), **fields)
            assert status == 200, (act, said)
            assert said["next"].partition("?")[0] == page
    kept = await of_order(row)
    assert kept.started_at == begins - timedelta(minutes=1)
    assert kept.finished_at == begins + timedelta(minutes=60)
    async with visitor(scene.app, scene.boss) as desk:
        shown = await desk.get(f"{scene.root}/orders/{row.id}")
        assert shown.text.count("The tap drips") == 1
        assert shown.text.count("/v1/media/") == 2  # one picture, and the way to it
        assert EN["told_at"].partition("{")[0] in shown.text


async def test_a_wrong_code_is_asked_for_again_and_counts_at_the_time_it_was_given(
    scene: Scene, clock: ManualClock
) -> None:
    row, page = await assigned(scene)
    clock.advance(timedelta(hours=1))
    given = row.starts_at + timedelta(minutes=5)
    async with visitor(scene.app, scene.ai) as browser:
        status, said = await sent(browser, page, "start", given, code="000000")
        assert (status, said["said"]) == (422, EN["trouble_wrong_start_code"])
        assert said["decide"] == {"label": EN["start"], "fields": {}, "asks": {"name": "code", "label": EN["code"]}}
        # What comes after it is not taken before it.
        status, said = await sent(browser, page, "completion", given + timedelta(minutes=20), done="kitchen")
        assert (status, said["said"]) == (422, EN["trouble_order_assigned"])
        assert (await sent(browser, page, "start", given, code=CODE))[0] == 200
        status, said = await sent(browser, page, "completion", given + timedelta(minutes=20))
        assert said["decide"]["fields"] == {"undone_reason": EN["left_not_possible"]}
    assert (await of_order(row)).started_at == given


async def test_what_happened_meanwhile_is_said_to_who_comes_late(scene: Scene, clock: ManualClock) -> None:
    row, page = await assigned(scene)
    gone, other_page = await assigned(scene, hours=6)
    async with visitor(scene.app, scene.ai) as browser:
        start = form_on(await browser.get(page), f"{page}/start")
        out = form_on(await browser.get(other_page), f"{other_page}/on-the-way")
        desk_page = f"{scene.root}/orders/{row.id}"
        async with visitor(scene.app, scene.boss) as desk:
            await submit(desk, desk_page, f"{desk_page}/cancellation", reason="worker_ill")
            theirs = f"{scene.root}/orders/{gone.id}"
            await submit(desk, theirs, f"{theirs}/assignment", worker_id=str(scene.bo.id))
        clock.advance(timedelta(hours=5))
        at = {"given_at": (clock.now() - timedelta(hours=1)).isoformat()}
        late = await browser.post(f"{page}/start", data=start | at | {"code": CODE}, headers=SCRIPT)
        assert (late.status_code, late.json()["said"]) == (422, EN["trouble_order_cancelled"])
        taken = await browser.post(f"{other_page}/on-the-way", data=out | at, headers=SCRIPT)
        assert (taken.status_code, taken.json()["said"]) == (422, EN["trouble_not_your_order"])
        # A browser without scripts is told the same.
        plain = await browser.post(f"{other_page}/on-the-way", data=out | {"key": "another"})
        assert (plain.status_code, EN["trouble_not_your_order"] in plain.text) == (409, True)
        old = {"given_at": (clock.now() - timedelta(hours=25)).isoformat(), "key": "old"}
        belated = await browser.post(f"{page}/start", data=start | old | {"code": CODE}, headers=SCRIPT)
        assert (belated.status_code, belated.json()["said"]) == (422, EN["trouble_given_too_long_ago"])


async def test_that_somebody_is_unwell_is_heard_however_long_it_waited(scene: Scene, clock: ManualClock) -> None:
    row, page = await assigned(scene)
    async with visitor(scene.app, scene.ai) as browser:
        note = form_on(await browser.get(page), f"{page}/notes") | {"text": "She lies in the hall", "unwell": "1"}
        clock.advance(timedelta(hours=2))
        for given in (clock.now() - timedelta(hours=25), clock.now() + timedelta(minutes=9)):
            late = {"given_at": given.isoformat(), "key": f"at {given}"}
            said = await browser.post(f"{page}/notes", data=note | late, headers=SCRIPT)
            assert said.status_code == 200, said.text
    async with visitor(scene.app, scene.boss) as desk:
        shown = await desk.get(f"{scene.root}/orders/{row.id}")
        assert shown.text.count("She lies in the hall") == 2


async def test_what_can_wait_waits_and_what_has_to_be_answered_does_not(scene: Scene) -> None:
    _, page = await assigned(scene)
    async with visitor(scene.app, scene.ai) as browser:
        before = {
            given["action"]: given for tag, given in Elements((await browser.get(page)).text).found if tag == "form"
        }
        await orders.offered(await scene.ordered(hours=5), scene.ai)
        assert "data-outbox=" not in (await browser.get(f"{WORK}/part")).text
    acts = {str(action).removeprefix(f"{page}/") for action, given in before.items() if "data-outbox" in given}
    assert acts == {"on-the-way", "start", "no-access", "notes", "photos", "completion"}
    assert "data-outbox" not in before[f"{page}/door#door"]


async def test_the_worker_keeps_the_pages_of_whoever_goes_and_no_others(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as nobody:
        worker = await nobody.get(f"{WORK}/worker.js")
        assert worker.headers["service-worker-allowed"] == WORK
        assert f'const SCOPE = "{WORK}";' in worker.text
        assert (await nobody.get(f"{WORK}/manifest.webmanifest")).json()["start_url"] == WORK
        for language in ("en", "zh-CN"):
            page = await nobody.get(f"{WORK}/without-line/{language}")
            assert COMMON[language]["outside_title"] in page.text
            assert "x-who" not in page.headers
