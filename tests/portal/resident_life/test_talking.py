"""Messages, notices, and who looked at what."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from app.core import clock as clocks
from app.portal.resident_life import looked_at, messages
from app.portal.resident_life.texts import WORDS
from tests.community.orders.conftest import Scene, work
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.portal import hostile
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit
from tests.portal.resident_life.conftest import Life, Opening, language_of, links

EN = WORDS["en"]
ZONE = ZoneInfo("Asia/Shanghai")
MESSAGES, NOTICES, LOOKED = "/me/messages", "/me/messages/notices", "/me/looked-at"
SCOPES = ["messages:read", "messages:write", "circle:read", "vitals:read", "profile:read"]


async def _daughter(life: Life) -> Any:
    person = await identity.account(life.place, name="Daughter", phone="+8613800000031")
    await alarms.circle_member(life.resident, person, scopes=SCOPES, relationship="daughter")
    return person, await identity.grant(life.resident, person, SCOPES)


async def test_what_the_family_writes_is_new_once_and_answered(
    life: Life, browser: httpx.AsyncClient, open_browser: Opening
) -> None:
    assert EN["nothing_written"] in (await browser.get(MESSAGES)).text
    daughter, _ = await _daughter(life)
    theirs = f"/portal/circles/{life.resident.id}/messages"
    other = await open_browser(daughter)
    for name in hostile.NAMES:
        assert (await submit(other, theirs, theirs, text=f"{name} ")).status_code == 303
    page = await browser.get(MESSAGES)
    assert hostile.harmless(page.text)
    assert page.text.count(f"<strong>{EN['is_new']}</strong>") == len(hostile.NAMES)
    assert f"<strong>{EN['is_new']}</strong>" not in (await browser.get(f"{MESSAGES}/part")).text
    fields = form_on(page, MESSAGES) | {"text": "I am well"}
    for _ in range(2):
        assert (await browser.post(MESSAGES, data=fields)).headers["location"] == f"{MESSAGES}?done=written"
    assert (await other.get(theirs)).text.count("I am well") == 1
    mine = await browser.get(MESSAGES)
    (back,) = [
        str(given["action"])
        for tag, given in Elements(mine.text).found
        if tag == "form" and str(given.get("action")).endswith("/withdrawal")
    ]
    assert (await submit(browser, MESSAGES, back)).headers["location"] == f"{MESSAGES}?done=message_withdrawn"
    assert "I am well" not in (await other.get(theirs)).text


async def test_what_comes_in_the_background_is_not_taken_for_read(
    life: Life, browser: httpx.AsyncClient, open_browser: Opening
) -> None:
    daughter, _ = await _daughter(life)
    theirs = f"/portal/circles/{life.resident.id}/messages"
    await submit(await open_browser(daughter), theirs, theirs, text="Are you there?")
    for seen, is_new in (("0", True), ("0", True), ("1", True), ("1", False)):
        part = await browser.get(f"{MESSAGES}/part", headers={"X-Seen": seen})
        assert (f"<strong>{EN['is_new']}</strong>" in part.text) == is_new


async def test_a_message_without_words_is_none(life: Life, browser: httpx.AsyncClient) -> None:
    assert (await submit(browser, MESSAGES, MESSAGES, text="  ")).headers["location"] == MESSAGES
    assert EN["nothing_written"] in (await browser.get(MESSAGES)).text


async def test_notices_are_read_when_one_says_so(scene: Scene, browser: httpx.AsyncClient) -> None:
    await scene.placed()
    await work()
    page = await browser.get(NOTICES)
    assert EN["is_new"] in page.text
    assert links(page, "/me/services/orders/")
    assert EN["count_new"].format(count=1) in (await browser.get(MESSAGES)).text
    done = await submit(browser, NOTICES, NOTICES)
    assert done.headers["location"] == f"{NOTICES}?done=notices_read"
    assert EN["have_read_all"] not in (await browser.get(f"{NOTICES}/part")).text


async def test_who_looked_is_said_with_who_they_are_and_taken_back(
    life: Life, browser: httpx.AsyncClient, open_browser: Opening
) -> None:
    daughter, grant = await _daughter(life)
    other = await open_browser(daughter)
    about = f"/portal/residents/{life.resident.id}/vitals"
    for _ in range(2):
        assert (await other.get(about)).status_code == 200
    page = await browser.get(LOOKED)
    assert "Daughter" in page.text
    assert "daughter" in page.text
    assert "your measurements" in page.text
    where = f"{LOOKED}/grants/{grant.id}"
    assert links(page, where) == [where]
    asked = await browser.get(where)
    assert EN["take_back_means"] in asked.text
    fields = form_on(asked, where)
    assert (await browser.post(where, data=fields)).headers["location"] == f"{LOOKED}?done=taken_back"
    assert (await browser.post(where, data=fields)).status_code in (303, 404)
    assert (await other.get(about)).status_code in (403, 404)
    assert (await browser.get(f"{LOOKED}/grants/{clocks.new_id()}")).status_code == 404


async def test_these_pages_are_there_in_chinese_and_whatever_people_are_called(
    life: Life, browser: httpx.AsyncClient
) -> None:
    for number, name in enumerate(hostile.NAMES):
        person = await identity.account(life.place, name=name[:100], phone=f"+861380000007{number}")
        await identity.grant(life.resident, person, SCOPES)
        await alarms.circle_member(life.resident, person, position=number + 1, relationship=name[:60], scopes=SCOPES)
    for page in (MESSAGES, NOTICES, LOOKED):
        assert hostile.harmless((await browser.get(page)).text)
    await language_of(life, "zh-CN")
    zh = WORDS["zh-CN"]
    for page, said in ((MESSAGES, "messages_title"), (NOTICES, "notices"), (LOOKED, "who_may")):
        assert zh[said] in (await browser.get(page)).text


def _message(number: int, author: str) -> dict[str, Any]:
    return {"id": str(number), "author_id": author, "written_at": f"2026-03-02T12:0{number}:00+00:00"}


def test_what_one_wrote_oneself_is_not_new() -> None:
    latest_first = [_message(number, author) for number, author in ((4, "m"), (3, "y"), (2, "m"), (1, "y"))]
    said = messages.conversation(latest_first, "m", 1, ZONE)
    assert [(one.message["id"], one.is_new) for one in said] == [("1", False), ("2", False), ("3", True), ("4", False)]
    assert messages.conversation([], "m", 3, ZONE) == []


def test_a_notice_leads_to_a_page_of_the_residents_own_or_nowhere() -> None:
    known = "01a206f4-faf9-7def-bbd4-af5e840908c8"
    assert messages.address_of({"data": {"order_id": known}}) == f"/me/services/orders/{known}"
    for data in ({}, {"order_id": "javascript:alert(1)"}, {"alarm_id": known}):
        assert messages.address_of({"data": data}) is None


def test_looks_are_put_together_by_day_and_person() -> None:
    def look(at: int, actor: str, says: str, app: str | None = None, minute: int = 0) -> dict[str, Any]:
        instant = datetime(2026, 3, 2, at, minute, 7, tzinfo=UTC).isoformat()
        given = {"explanation": says, "is_reading": True, "name": actor, "organizations": []}
        return {"at": instant, "actor_id": actor, "app": app, **given}

    entries = [look(20, "a", "x"), look(10, "a", "x"), look(9, "me", "x"), look(8, "a", "y"), look(7, "me", "x", "App")]
    days = looked_at.by_days(entries, "me", {"a": "daughter"}, ZONE)
    assert [day.day.isoformat() for day in days] == ["2026-03-03", "2026-03-02"]
    assert [(person.name, person.kinship) for person in days[1].people] == [("a", "daughter"), ("me", None)]
    assert [(one.says, len(one.times)) for one in days[1].people[0].looks] == [("x", 1), ("y", 1)]
    again = [look(1, "a", "x", minute=minute) for minute in (*range(9), *range(9))]
    many = looked_at.by_days(again, "me", {}, ZONE)
    assert (len(many[0].people[0].looks[0].named), many[0].people[0].looks[0].more) == (6, 3)
