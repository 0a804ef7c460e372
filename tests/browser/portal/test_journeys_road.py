"""The ways of a carer on the road, with the network really gone: all that was done is there once, at its time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import FilePayload, Playwright, expect

from app.core import clock
from app.portal.ground.texts import COMMON
from app.portal.me.texts import WORDS as ME
from app.portal.road.texts import WORDS
from tests.browser.gates import filmed
from tests.browser.network import Network, network
from tests.browser.portal.conftest import Portal
from tests.browser.portal.phones import copies, keeps, keeps_nothing, phone, sign_in_on
from tests.browser.portal.times import at_noon
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.factories.sign_in import sign_in
from tests.faults.processes import House, Process, eventually
from tests.media.samples import photo
from tests.portal.road.world import Road, road

EN: Final = WORDS["en"]
SAID: Final = COMMON["en"]


async def told(url: str, scene: Road, visit_id: object) -> dict[str, Any]:
    """Return a visit as the agency's coordinator reads it."""
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get(f"/v1/visits/{visit_id}", headers=await sign_in(scene.coordinator))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def asked(url: str, who: Any, path: str, body: Any) -> None:
    """Have somebody do something meanwhile."""
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(f"/v1{path}", json=body, headers=await sign_in(who))
        assert answer.is_success, answer.text


@asynccontextmanager
async def own_house(home: House, directory: Path) -> AsyncIterator[tuple[Network, Process]]:
    """Run a portal whose process may be ended and begun anew."""
    async with network() as between:
        process = await begun(home, between, directory)
        yield between, process


async def begun(home: House, between: Network, directory: Path) -> Process:
    """Begin the portal's process."""
    settings = {"HEARTHLINE_HTTP_PUBLIC_URL": between.url, "HEARTHLINE_MEDIA_DIRECTORY": str(directory)}
    process = await home.everything(**settings)
    between.lead_to(process)
    return process


def waits(window: Window, step: str) -> Any:
    """Return the sign that something was kept on the phone where it was pressed."""
    return window.page.locator(f'[data-step="{step}"] [data-kept-sign]').first


async def is_copy(window: Window) -> None:
    """Return once the page says that it is a copy."""
    await expect(window.page.locator("[data-kept-note]")).to_be_visible(timeout=PATIENCE)


async def all_sent(window: Window) -> None:
    """Return once nothing waits any more."""
    await expect(window.page.locator("[data-outbox-list]")).to_be_hidden(timeout=PATIENCE)


def at(text: str) -> datetime:
    """Return an instant as the API writes it."""
    return datetime.fromisoformat(text)


async def did_all_of_it(window: Window) -> None:
    """Arrive by the code at the door, do one task and not the other, write a note and take a picture."""
    await window.page.locator("#arrive [data-scan]").click(timeout=PATIENCE)
    await expect(waits(window, "arrival")).to_be_visible(timeout=PATIENCE)
    tasks = window.page.locator("li.task")
    await tasks.nth(0).get_by_role("button", name=EN["mark_done"], exact=True).click()
    await tasks.nth(1).locator("summary").click()
    await tasks.nth(1).locator("input[name=reason]").fill("Not hungry")
    await tasks.nth(1).get_by_role("button", name=EN["mark_left_now"], exact=True).click()
    for number in (0, 1):
        await expect(tasks.nth(number).locator("[data-kept-sign]")).to_be_visible(timeout=PATIENCE)
    await window.page.locator("#f-text").fill("Slept badly <b>")
    await window.press(EN["note_keep"])
    await expect(waits(window, "note")).to_be_visible(timeout=PATIENCE)
    picture: FilePayload = {"name": "camera.jpg", "mimeType": "image/jpeg", "buffer": photo(size=(2400, 1200))}
    await window.page.locator("#f-photo").set_input_files(picture)
    await window.press(EN["photo_add"])
    await expect(waits(window, "photo")).to_be_visible(timeout=PATIENCE)


async def left_by_hand(window: Window) -> None:
    """Find on the phone what was done before, and leave."""
    for step in ("arrival", "note", "photo"):
        await expect(waits(window, step)).to_be_visible(timeout=PATIENCE)
    await window.page.locator("#leave [data-otherwise] summary").click()
    await window.page.locator("#leave input[name=reason]").fill(EN["hand_tag"])
    await window.press(EN["i_leave"])
    await expect(waits(window, "departure")).to_be_visible(timeout=PATIENCE)
    await expect(window.page.locator("[data-outbox-items] li")).to_have_count(6, timeout=PATIENCE)


async def test_a_whole_visit_without_a_network_is_there_once_with_its_times(
    playwright: Playwright, home: House, tmp_path: Path
) -> None:
    scene = await road(time_zone=at_noon())
    profile, pictures = tmp_path / "phone", tmp_path / "pictures"
    async with own_house(home, pictures) as (between, process):
        film = filmed(f"{between.url}/portal/road/door#{scene.code}", tmp_path / "door.y4m")
        async with phone(playwright, between.url, profile, scene.carer, film) as window:
            await window.open("/portal/road")
            await keeps(window.page, "/portal/road", scene.page, f"/portal/road/visits/{scene.later.id}")
            # The server is gone, the network is cut, and the phone knows of neither.
            between.cut()
            await process.kill()
            await window.page.goto(f"{between.url}/portal/road")
            await is_copy(window)
            begun_at = clock.now()
            await window.press(EN["open_visit"])
            await is_copy(window)
            await did_all_of_it(window)
        done_at = clock.now()
        # Switched off and on again in the staircase: nobody has answered yet.
        async with phone(playwright, between.url, profile, None, film) as window:
            await window.page.goto(f"{between.url}{scene.page}")
            await is_copy(window)
            await left_by_hand(window)
            left_at = clock.now()
            anew = await begun(home, between, pictures)
            between.restore()
            await all_sent(window)
        found = await told(anew.url, scene, scene.visit.id)
    (carer,) = found["carers"]
    assert (found["state"], carer["arrival_how"], carer["departure_how"]) == ("completed", "qr", "manual")
    assert [(task["is_done"], task["reason"]) for task in found["tasks"]] == [(True, None), (False, "Not hungry")]
    assert [note["text"] for note in found["notes"]] == ["Slept badly <b>"]
    assert len(found["photos"]) == 1
    times = [carer["arrived_at"], *(task["ticked_at"] for task in found["tasks"])]
    times += [found["notes"][0]["written_at"], found["photos"][0]["taken_at"]]
    assert [at(one) for one in times] == sorted(map(at, times))
    assert begun_at <= at(times[0])
    assert at(times[-1]) <= done_at
    assert done_at <= at(carer["departed_at"]) <= left_at


async def test_what_a_colleague_or_the_agency_did_meanwhile_is_said_and_the_carer_decides(
    open_windows: Windows, portal: Portal
) -> None:
    scene = await road(carers=2, time_zone=at_noon())
    for who in (scene.carer, scene.other):
        body = {"proof": {"how": "manual", "reason": "The tag is broken"}}
        await asked(portal.behind, who, f"/visits/{scene.visit.id}/arrival", body)
    window = await open_windows.of(scene.carer)
    await window.open("/portal/road")
    later = f"/portal/road/visits/{scene.later.id}"
    await keeps(window.page, "/portal/road", scene.page, later)
    # The phone knows that it has no network, where in the others it thinks that it has one.
    await window.context.set_offline(True)
    await window.page.goto(f"{window.url}{scene.page}")
    await window.page.locator("li.task").nth(0).get_by_role("button", name=EN["mark_done"], exact=True).click()
    await expect(window.page.locator("li.task [data-kept-sign]").first).to_be_visible(timeout=PATIENCE)
    await window.page.goto(f"{window.url}{later}")
    await window.press(EN["on_my_way"])
    await expect(waits(window, "arrival")).to_be_visible(timeout=PATIENCE)

    task = (await told(portal.behind, scene, scene.visit.id))["tasks"][0]["id"]
    otherwise = {"task_id": task, "is_done": False, "reason": "Asleep"}
    await asked(portal.behind, scene.other, f"/visits/{scene.visit.id}/ticks", otherwise)
    about = f"/residents/{scene.neighbour.id}/care-visits/{scene.later.id}"
    await asked(portal.behind, scene.coordinator, f"{about}/carers/{scene.carer.id}/removal", {})
    await window.context.set_offline(False)

    rows = window.page.locator('[data-outbox-items] li[data-state="refused"]')
    await expect(rows).to_have_count(2, timeout=PATIENCE)
    await expect(rows.nth(0)).to_contain_text("A colleague wrote down at ")
    await expect(rows.nth(1)).to_contain_text(EN["trouble_not_your_visit"])
    assert (await told(portal.behind, scene, scene.visit.id))["tasks"][0]["reason"] == "Asleep"
    await window.is_accessible()
    await rows.nth(1).get_by_role("button", name=SAID["outbox_drop"]).click()
    await rows.nth(0).get_by_role("button", name=EN["instead_task_recorded"]).click()
    await all_sent(window)
    decided = (await told(portal.behind, scene, scene.visit.id))["tasks"][0]
    assert (decided["is_done"], decided["ticked_by"]) == (True, str(scene.carer.id))


async def test_of_two_carers_on_one_phone_neither_sees_what_the_other_left(
    open_windows: Windows, portal: Portal
) -> None:
    scene = await road(time_zone=at_noon())
    window = await open_windows.of(scene.carer)
    await window.open("/portal/road")
    await keeps(window.page, "/portal/road", scene.page)
    portal.network.cut()
    await window.page.goto(f"{window.url}{scene.page}")
    await window.page.locator("#arrive [data-otherwise] summary").click()
    await window.page.locator("#arrive input[name=reason]").fill(EN["hand_tag"])
    await window.press(EN["i_am_here"])
    await window.page.locator("#f-text").fill("Only mine to send")
    await window.press(EN["note_keep"])
    await expect(window.page.locator("[data-outbox-items] li")).to_have_count(2, timeout=PATIENCE)

    # The phone is handed on, and the other one signs in: nothing of the first is sent, shown or kept for reading.
    await sign_in_on(window, scene.other)
    portal.network.restore()
    await window.open("/portal/road")
    await window.sees(EN["nothing_today"])
    await expect(window.page.locator("[data-outbox-list]")).to_be_hidden()
    await keeps_no_more(window, scene.page)
    await keeps(window.page, "/portal/road")
    assert "Only mine" not in await window.page.content()
    found = await told(portal.behind, scene, scene.visit.id)
    assert (found["state"], found["notes"]) == ("assigned", [])

    # The first one is back: it goes by itself, as hers. Then she signs out, and nothing can be read any more.
    await sign_in_on(window, scene.carer)
    # The first answer is lost on its way: it is done once all the same.
    lost = await window.loses_the_answer_to("/notes")
    await window.open("/portal/road")

    async def is_sent() -> bool:
        return bool((await told(portal.behind, scene, scene.visit.id))["notes"])

    await eventually(is_sent)
    await all_sent(window)
    assert lost == [200]
    found = await told(portal.behind, scene, scene.visit.id)
    assert [note["author_id"] for note in found["notes"]] == [str(scene.carer.id)]
    await keeps(window.page, scene.page)
    await window.open("/portal/me")
    await window.press(ME["en"]["sign_out"])
    await window.page.wait_for_url("**/portal/sign-in**", timeout=PATIENCE)
    await keeps_nothing(window.page)
    portal.network.cut()
    await window.page.goto(f"{window.url}{scene.page}")
    await window.sees(SAID["outside_lead"])


async def keeps_no_more(window: Window, path: str) -> None:
    """Return once the phone keeps no copy of this page."""

    async def is_gone() -> bool:
        return path not in await copies(window.page)

    await eventually(is_gone)


async def test_a_route_that_changes_says_so_and_its_pages_are_fine(open_windows: Windows, portal: Portal) -> None:
    scene = await road(time_zone=at_noon())
    window = await open_windows.of(scene.carer)
    await window.open("/portal/road")
    await window.follows()
    await expect(window.page.locator("#changes")).to_be_hidden()
    about = f"/residents/{scene.neighbour.id}/care-visits/{scene.later.id}"
    moved = (scene.later.starts_at + timedelta(minutes=25)).isoformat()
    await asked(portal.behind, scene.coordinator, f"{about}/move", {"starts_at": moved})
    changes = window.page.locator("#changes")
    await expect(changes).to_contain_text(EN["changed_lead"], timeout=PATIENCE)
    await expect(window.page.locator(f"#stop-{scene.later.id} [data-mark]")).to_be_visible()
    await window.is_fine("phone")
    await window.press(EN["changed_seen"])
    await expect(changes).to_be_hidden()
    await window.open(scene.page)
    await window.is_fine("phone")
    desk = await open_windows.of(scene.carer, "desk", look="dark", language="zh-CN")
    await desk.open("/portal/road")
    await desk.is_accessible()
    await desk.open(scene.page)
    await desk.is_accessible()
    await window.context.grant_permissions(["geolocation"])
    await window.context.set_geolocation({"latitude": 31.2304, "longitude": 121.4737, "accuracy": 12})
    await window.open(scene.page)
    await window.page.locator("#arrive [data-locate]").click(timeout=PATIENCE)
    await window.sees(EN["how_gps"])
