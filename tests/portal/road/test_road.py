"""The pages of the road without scripts: the day in order, a visit from the way there to the end, what is refused."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.settings import MediaSettings, Settings, install_settings
from app.portal.ground.texts import COMMON
from app.portal.road.texts import WORDS
from tests.factories import eldercare_medication as medicines
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories.sign_in import sign_in
from tests.media.samples import photo
from tests.portal.elements import Elements
from tests.portal.ground import submit, visitor
from tests.portal.hostile import MARKUP, NAMES, harmless
from tests.portal.road.world import Road, press, road

pytestmark = pytest.mark.usefixtures("clock", "client")

EN = WORDS["en"]


def words_on(page: httpx.Response) -> str:
    """Return what a page says, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def tasks_on(page: httpx.Response) -> list[str]:
    """Return the ids of the tasks a page has."""
    return re.findall(r'id="task-([0-9a-f-]{36})"', page.text)


async def arrived(browser: httpx.AsyncClient, scene: Road) -> None:
    """Let the carer arrive by the code at the door."""
    answer = await submit(browser, scene.page, f"{scene.page}/arrival", code=scene.code)
    assert answer.status_code == 303, answer.text[:600]


async def test_the_day_is_in_order_with_the_way_the_map_and_who_is_next(app: FastAPI) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        page = await browser.get("/portal/road")
    assert page.status_code == 200, page.text[:600]
    said = words_on(page)
    assert said.index("Grace") < said.index("Walter")
    assert EN["count"].format(done=0, count=2) in said
    assert "Late by 2 minutes" in said
    assert "About" in said  # the way between
    elements = Elements(page.text).found
    assert [given["class"] for tag, given in elements if tag == "g"] == ["spot now", "spot"]
    assert any(str(given.get("href")).startswith("geo:31.23") for tag, given in elements if tag == "a")
    assert not any("http" in str(given.get("href") or given.get("src")) for tag, given in elements)
    assert page.headers["permissions-policy"].startswith("camera=(self), geolocation=(self)")


async def test_whoever_has_no_visits_is_told_so_and_is_not_shown_anothers(app: FastAPI) -> None:
    scene = await road()
    async with visitor(app, scene.other) as browser:
        assert EN["nothing_today"] in words_on(await browser.get("/portal/road"))
        page = await browser.get(scene.page)
        assert EN["not_yours"] in words_on(page)
        assert "The key is in the safe" not in page.text  # nothing of the door for who does not go there
    stranger = await identity.account(await identity.community_of(scene.carer), name="Stranger")
    async with visitor(app, stranger) as browser:
        assert (await browser.get(scene.page)).status_code == 404
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as nobody:
        assert (await nobody.get("/portal/road")).headers["location"].startswith("/portal/sign-in")


async def test_a_visit_from_the_way_there_to_the_end_by_forms_alone(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        page = await browser.get(scene.page)
        assert "The key is in the safe, number 1" in words_on(page)
        answer = await submit(browser, scene.page, f"{scene.page}/en-route")
        assert answer.headers["location"] == f"{scene.page}?done=en_route"
        await arrived(browser, scene)
        page = await browser.get(f"{scene.page}?done=arrival")
        assert EN["done_arrival"] in words_on(page)
        assert harmless(page.text)
        first, second = tasks_on(page)
        assert (await press(browser, scene.page, "ticks", task_id=first, is_done="1")).status_code == 303
        unsaid = await press(browser, scene.page, "ticks", task_id=second, is_done="0")
        assert (unsaid.status_code, EN["reason_missing"] in words_on(unsaid)) == (409, True)
        left = await press(browser, scene.page, "departure", reason="The tag is broken")
        assert (left.status_code, EN["trouble_tasks_open"] in words_on(left)) == (409, True)
        await press(browser, scene.page, "ticks", task_id=second, is_done="0", reason=NAMES[0])
        for kind in ("note", "handover"):
            await press(browser, scene.page, "notes", text=f"{kind} {MARKUP}", kind=kind)
        clock.advance(timedelta(minutes=20))
        left = await submit(browser, scene.page, f"{scene.page}/departure", code=f"https://x.example/door#{scene.code}")
        assert left.headers["location"] == f"{scene.page}?done=departure"
        page = await browser.get(scene.page)
        assert harmless(page.text)
        assert page.text.count('class="card said-note"') == 2
        assert EN["state_completed"] in words_on(page)
    (carer,) = await made.carers(scene.visit.id)
    assert (carer.state, carer.arrival_how, carer.departure_how) == ("left", "qr", "qr")


async def test_each_thing_that_is_not_taken_says_why_in_plain_words(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        page = await browser.get(scene.page)
        task = tasks_on(page)[0]
        tried: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("ticks", {"task_id": task, "is_done": "1"}, "trouble_visit_assigned"),
            ("arrival", {}, "proof_missing"),
            ("arrival", {"code": "another-door-code"}, "trouble_doubt_unknown_tag"),
            ("arrival", {"latitude": "31.3", "longitude": "121.5", "accuracy": "10"}, "trouble_doubt_elsewhere"),
            (
                "arrival",
                {"latitude": "31.2304", "longitude": "121.4737", "accuracy": "400"},
                "trouble_doubt_inaccurate",
            ),
            ("departure", {"reason": "It is over"}, "trouble_not_there"),
            ("notes", {"text": "  "}, "note_missing"),
            ("photos", {}, "photo_missing"),
            ("readings", {"kind": "pressure", "value": "80", "lower": "120"}, "reading_missing"),
        )
        for act, fields, says in tried:
            answer = await press(browser, scene.page, act, **fields)
            assert (answer.status_code, EN[says] in words_on(answer)) == (409, True), (act, words_on(answer)[:400])
        too_early = await press(browser, f"/portal/road/visits/{scene.later.id}", "notes", text="Ate well")
        assert EN["trouble_visit_assigned"] in words_on(too_early)


async def test_a_form_that_waited_counts_once_with_the_time_it_was_given(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    begun = clocks.now()
    clock.advance(timedelta(hours=1))
    async with visitor(app, scene.carer) as browser:
        task = tasks_on(await browser.get(scene.page))[0]
        steps = (
            ("arrival", {"code": scene.code, "how": "qr"}, 1),
            ("ticks", {"task_id": task, "is_done": "1"}, 5),
            ("notes", {"text": "Ate well"}, 7),
            ("departure", {"reason": "The tag is broken", "unfinished_reason": "No time"}, 25),
        )
        for act, fields, minutes in steps:
            for _ in range(2):  # the first answer was lost on the way
                given = begun + timedelta(minutes=minutes)
                answer = await press(browser, scene.page, act, given=given, script=True, **fields)
                assert (answer.status_code, answer.json()["next"][:12]) == (200, "/portal/road"), answer.text
    (carer,) = await made.carers(scene.visit.id)
    assert carer.arrived_at == begun + timedelta(minutes=1)
    assert carer.departed_at == begun + timedelta(minutes=25)
    headers = await sign_in(scene.carer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as phone:
        told = (await phone.get(f"/v1/visits/{scene.visit.id}", headers=headers)).json()
    assert [note["text"] for note in told["notes"]] == ["Ate well"]
    assert told["notes"][0]["written_at"] == (begun + timedelta(minutes=7)).isoformat().replace("+00:00", "Z")
    assert told["tasks"][0]["ticked_at"] == (begun + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")


async def test_what_waited_and_is_not_taken_says_why_and_what_may_be_sent_instead(
    app: FastAPI, clock: ManualClock
) -> None:
    scene = await road(carers=2)
    async with visitor(app, scene.carer) as browser, visitor(app, scene.other) as colleague:
        for one in (browser, colleague):
            await arrived(one, scene)
        task = tasks_on(await browser.get(scene.page))[0]
        given = clocks.now()
        clock.advance(timedelta(minutes=2))
        await press(colleague, scene.page, "ticks", task_id=task, is_done="0", reason="Asleep")
        clock.advance(timedelta(minutes=2))
        fields: dict[str, Any] = {"task_id": task, "is_done": "1"}
        refused = await press(browser, scene.page, "ticks", given=given, script=True, **fields)
        assert refused.status_code == 422
        said = refused.json()
        assert said["said"].startswith("A colleague wrote down at ")
        assert said["decide"] == {"label": EN["instead_task_recorded"], "fields": {"confirmed": "1"}}
        # Without a script the page itself offers it.
        page = await press(browser, scene.page, "ticks", given=given, key="once more", **fields)
        assert 'name="confirmed" value="1"' in page.text
        sure = await press(browser, scene.page, "ticks", given=given, script=True, key="sure", confirmed="1", **fields)
        assert sure.status_code == 200
        assert EN["task_done"] in words_on(await colleague.get(f"{scene.page}/part"))


@pytest.mark.parametrize(
    ("what", "says"), [("cancelled", "trouble_visit_cancelled"), ("reassigned", "trouble_not_your_visit")]
)
async def test_what_waited_of_a_visit_that_is_no_longer_is_explained(
    app: FastAPI, clock: ManualClock, what: str, says: str
) -> None:
    scene = await road()
    about = f"/v1/residents/{scene.resident.id}/care-visits/{scene.visit.id}"
    async with visitor(app, scene.carer) as browser:
        shown = await browser.get(scene.page)
        csrf = re.findall(r'name="csrf" value="([^"]+)"', shown.text)[0]
        headers = await sign_in(scene.coordinator) | {"Idempotency-Key": "1"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as desk:
            if what == "cancelled":
                answer = await desk.post(f"{about}/cancellation", json={}, headers=headers)
            else:
                answer = await desk.post(f"{about}/carers/{scene.carer.id}/removal", json={}, headers=headers)
            assert answer.status_code == 200, answer.text
        body = {"csrf": csrf, "key": "k", "code": scene.code, "given_at": clocks.now().isoformat()}
        refused = await browser.post(
            f"{scene.page}/arrival", data=body, headers={"Sec-Fetch-Site": "same-origin", "X-Outbox": "1"}
        )
    assert refused.status_code == 422
    # Whoever is taken off a visit that was cancelled hears of either: the visit is not theirs any more.
    assert refused.json()["said"] in (EN[says], EN["trouble_not_your_visit"])


@pytest.fixture
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[Path]:
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield tmp_path
    install_settings(test_settings)


async def test_a_photo_is_added_once_and_without_what_the_camera_wrote_into_it(
    app: FastAPI, clock: ManualClock, directory: object
) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        await arrived(browser, scene)
        clock.advance(timedelta(minutes=3))
        picture = photo()
        for _ in range(2):
            files = {"photo": ("photo.jpg", picture, "image/jpeg")}
            answer = await press(browser, scene.page, "photos", files=files, given=clocks.now(), script=True)
            assert answer.status_code == 200, answer.text
        page = await browser.get(scene.page)
        (shown,) = [given for tag, given in Elements(page.text).found if tag == "img"]
        kept = await browser.get(str(shown["src"]))
        assert kept.status_code == 200
        assert b"Exif" not in kept.content
        no_picture = {"photo": ("photo.jpg", b"GIF89a of nothing", "image/jpeg")}
        refused = await press(browser, scene.page, "photos", files=no_picture)
        assert (refused.status_code, EN["trouble_not_taken"] in words_on(refused)) == (409, True)


async def test_a_photo_the_phone_could_not_shrink_is_taken(app: FastAPI, clock: ManualClock, directory: object) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        await arrived(browser, scene)
        large = photo("PNG") + bytes(3 * 2**20)  # after a picture's end there may be anything
        files = {"photo": ("photo.png", large, "image/png")}
        answer = await press(browser, scene.page, "photos", files=files, script=True)
        assert answer.status_code == 200, answer.text


async def test_a_medicine_is_given_and_a_second_one_is_warned_of(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    due = scene.visit.starts_at + timedelta(minutes=10)
    await medicines.regimen(scene.resident, times=[f"{due:%H:%M}"])
    daughter = await medicines.relative(scene.resident)
    async with visitor(app, scene.carer) as browser:
        await arrived(browser, scene)
        page = await browser.get(scene.page)
        (dose,) = set(re.findall(r"/doses/([0-9a-f-]{36})/record", page.text))
        await medicines.record(scene.resident, (await medicines.dose(dose)).id, by=daughter)
        refused = await press(browser, scene.page, f"doses/{dose}/record", status="taken", script=True)
        assert "given twice" in refused.json()["said"]
        assert "decide" not in refused.json()  # nobody gives it twice by pressing once more
        assert EN["dose_given"] in words_on(await browser.get(scene.page))


async def test_what_was_measured_is_kept_with_its_time(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        await arrived(browser, scene)
        given = clocks.now()
        clock.advance(timedelta(minutes=30))
        fields = {"kind": "pressure", "value": "131", "lower": "82"}
        for _ in range(2):
            answer = await press(browser, scene.page, "readings", given=given, script=True, **fields)
            assert answer.status_code == 200, answer.text
        headers = await sign_in(scene.carer)
        told = (await browser.get(f"/v1/residents/{scene.resident.id}/vitals", headers=headers)).json()["items"]
    assert sorted(one["value"] for one in told) == [82, 131]
    assert {one["measured_at"] for one in told} == {given.isoformat().replace("+00:00", "Z")}


async def test_the_carer_calls_everybody_for_the_resident(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        answer = await submit(browser, scene.page, f"{scene.page}/help", kind="fall", note="On the bathroom floor")
        assert answer.headers["location"].startswith("/portal/alarms/")
        page = await browser.get(answer.headers["location"])
        assert page.status_code == 200
        assert "A fall" in words_on(page)


async def test_a_tag_that_was_touched_asks_whom_one_is_with(app: FastAPI, clock: ManualClock) -> None:
    scene = await road()
    async with visitor(app, scene.carer) as browser:
        page = await browser.get("/portal/road/door")
        assert "Grace" in words_on(page)
        answer = await submit(browser, "/portal/road/door", f"{scene.page}/arrival", code=scene.code)
        assert answer.status_code == 303
    (carer,) = await made.carers(scene.visit.id)
    assert (carer.state, carer.arrival_how) == ("present", "qr")


async def test_the_worker_keeps_the_pages_of_the_road_and_no_others(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as nobody:
        worker = await nobody.get("/portal/road/worker.js")
        assert worker.headers["service-worker-allowed"] == "/portal/road"
        assert 'const SCOPE = "/portal/road";' in worker.text
        manifest = (await nobody.get("/portal/road/manifest.webmanifest")).json()
        assert manifest["start_url"] == "/portal/road"
        for language in ("en", "zh-CN"):
            page = await nobody.get(f"/portal/road/without-line/{language}")
            assert COMMON[language]["outside_title"] in page.text
            assert "x-who" not in page.headers


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_is_taken_for_markup(app: FastAPI, name: str) -> None:
    scene = await road(name=name)
    async with visitor(app, scene.carer, language="zh-CN") as browser:
        for path in ("/portal/road", "/portal/road/part", scene.page, f"{scene.page}/part", "/portal/road/door"):
            page = await browser.get(path)
            assert page.status_code == 200
            assert harmless(page.text), path
