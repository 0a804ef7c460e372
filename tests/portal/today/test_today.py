"""The page Today: one sentence first, a card for whom somebody should look at, in both languages."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account, Community, Resident
from app.portal.today import composing
from app.portal.today.texts import WORDS
from eldercare.api import CareOverview, PersonToday
from eldercare.overview.rules import CASES, GROUPS
from eldercare.overview.schemas import GroupToday
from eldercare.overview.views.standing import SCOPES
from tests.factories import care_overview as today
from tests.factories import identity
from tests.portal.elements import phoned
from tests.portal.ground import visitor
from tests.portal.hostile import NAMES, harmless

pytestmark = pytest.mark.usefixtures("database", "clock")

EMERGENCY = {"112"}  # on every page, for a call for help that could not be sent
HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def place() -> Community:
    return await identity.community(time_zone="UTC")


async def daughter(*residents: Resident, language: str = "en") -> Account:
    async with unit_of_work() as session:
        of = await session.get_one(Community, residents[0].community_id)
    person = await identity.account(of, name="Daughter", language=language)
    for resident in residents:
        await identity.grant(resident, person, SCOPES)
    return person


async def page(app: FastAPI, person: Account, path: str = "/portal/today", *, status: int = 200) -> str:
    async with visitor(app, person) as browser:
        found = await browser.get(path)
    assert found.status_code == status, found.text
    return found.text


async def test_nobody_is_led_to_where_one_signs_in(app: FastAPI, client: object) -> None:
    async with visitor(app, await identity.account(await place())) as browser:
        browser.cookies.clear()
        found = await browser.get("/portal/today")
        part = await browser.get("/portal/today/part")
    assert (found.status_code, found.headers["location"]) == (303, "/portal/sign-in?next=%2Fportal%2Ftoday")
    assert part.status_code == 401


async def test_whoever_looks_after_nobody_is_told_so(app: FastAPI) -> None:
    found = await page(app, await identity.account(await place()))
    assert WORDS["en"]["nobody"] in found
    assert WORDS["en"]["nobody_hint"] in found


async def test_all_three_are_fine_and_the_page_says_that_first(app: FastAPI, clock: ManualClock) -> None:
    of = await place()
    three = [await identity.resident(of, name=name) for name in ("Ada", "Grace", "Hedy")]
    await today.answered(three[0], clock.now() - HOUR)
    await today.answered(three[1], clock.now() - HOUR, how="home")
    await today.answered(three[2], clock.now() - HOUR, how="saw")
    found = await page(app, await daughter(*three))
    assert "All three are fine." in found
    assert "Said to be well at 7:00\u202fAM." in found
    assert "Up and about at home at 7:00\u202fAM." in found
    assert 'data-live="today" data-live-src="/portal/today/part"' in found
    assert phoned(found) == EMERGENCY


async def test_who_needs_somebody_stands_first_with_the_one_thing_to_do(app: FastAPI, clock: ManualClock) -> None:
    of = await place()
    calm, silent = (
        await identity.resident(of, name="Ada"),
        await identity.resident(of, name="Grace", phone="+8613800000001"),
    )
    fallen = await identity.resident(of, name="Hedy")
    await today.answered(calm, clock.now() - HOUR)
    await today.asked(silent, clock.now() - HOUR / 4)
    alarm = await today.alarm(fallen, clock.now() - HOUR, state="en_route")
    found = await page(app, await daughter(calm, silent, fallen))
    assert found.index("\u2068Hedy\u2069 needs somebody now.") < found.index("\u2068Grace\u2069 has not answered yet.")
    assert f'href="/portal/alarms/{alarm.id}"' in found
    assert "Somebody is on the way." in found
    assert 'href="tel:+8613800000001"' in found
    assert "There is time to answer until 8:15\u202fAM (in 15 minutes)." in found
    assert "is fine" not in found
    assert f'href="/portal/residents/{calm.id}"' in found


async def test_who_is_fine_is_said_with_the_alarm_that_ended_today(app: FastAPI, clock: ManualClock) -> None:
    resident = await identity.resident(await place(), name="Ada")
    await today.answered(resident, clock.now() - HOUR)
    over = {"state": "resolved", "outcome": "helped", "closed_at": clock.now(), "next_step_at": None}
    alarm = await today.alarm(resident, clock.now() - HOUR / 2, **over)
    person = await daughter(resident)
    said = "Alarm ended 8:00\u202fAM: Somebody helped, all is well"
    assert f"Said to be well at 7:00\u202fAM. {said}." in await page(app, person)
    about = await page(app, person, f"/portal/residents/{resident.id}")
    assert said in about
    assert f'href="/portal/alarms/{alarm.id}"' in about


async def test_the_page_speaks_chinese(app: FastAPI, clock: ManualClock) -> None:
    resident = await identity.resident(await place(), name="王芳")
    await today.asked(resident, clock.now() - HOUR / 4)
    found = await page(app, await daughter(resident, language="zh-CN"))
    assert '<html lang="zh-CN"' in found
    assert "\u2068王芳\u2069还没有回应。" in found
    assert "可在08:15之前回应（15分钟后）。" in found


async def test_what_people_are_called_is_text_alone(app: FastAPI, clock: ManualClock) -> None:
    of = await place()
    people = [await identity.resident(of, name=name, phone=f"+861380000010{n}") for n, name in enumerate(NAMES)]
    for number, resident in enumerate(people):
        await (today.asked if number % 2 else today.missed)(resident, clock.now() - HOUR / 4)
    person = await daughter(*people)
    for path in ("/portal/today", "/portal/today/part", "/portal/today/people", "/portal/today/people?group=waiting"):
        found = await page(app, person, path)
        assert harmless(found)
        assert " style=" not in found
        assert not re.search(r"\b49\b", re.sub(r"<[^>]*>", " ", found))  # nothing made a sum of {{ 7 * 7 }}
    sought = "/portal/today/people?name=%3Cscript%3Ealert(1)%3C/script%3E%3Cimg"
    assert harmless(await page(app, person, sought))


async def test_many_are_folded_found_by_name_and_paged(app: FastAPI, clock: ManualClock) -> None:
    of = await place()
    for number in range(55):
        await today.answered(await identity.resident(of, name=f"Resident {number:02}"), clock.now() - HOUR)
    desk = await identity.operator(of, "dispatcher")
    found = await page(app, desk)
    assert "All 55 are fine." in found
    assert 'href="/portal/today/people?group=fine"' in found
    assert "Resident 07" not in found
    first = await page(app, desk, "/portal/today/people?group=fine")
    assert "Resident 49" in first
    assert "Resident 50" not in first
    following = first.split('href="/portal/today/people?group=fine&amp;cursor=')[1].split('"')[0]
    second = await page(app, desk, f"/portal/today/people?group=fine&cursor={following}")
    assert "Resident 54" in second
    assert "Show more" not in second
    assert "Resident 31" in await page(app, desk, "/portal/today/people?name=dent%2031")
    assert WORDS["en"]["found_nobody"] in await page(app, desk, "/portal/today/people?name=nobody")
    assert WORDS["en"]["list_empty"] in await page(app, desk, "/portal/today/people?group=needs")


@pytest.mark.parametrize("query", ["group=all", "cursor=x", "name=%01", "name=" + "x" * 101])
async def test_what_cannot_be_read_gets_a_page_that_says_so(app: FastAPI, query: str) -> None:
    found = await page(app, await identity.account(await place()), f"/portal/today/people?{query}", status=422)
    assert "<h1>" in found


def person(group: str, reason: str, **values: object) -> PersonToday:
    given: dict[str, object] = {
        "resident_id": uuid.UUID(int=1),
        "name": "Grace",
        "age": 86,
        "building": None,
        "group": group,
        "reason": reason,
        "at": NOW - HOUR,
        "until": None,
        "alarm": None,
        "ended": None,
        "phone": None,
    }
    return PersonToday.model_validate(given | values)


@pytest.mark.parametrize("language", WORDS)
def test_every_reason_has_its_sentence(language: str) -> None:
    reader = composing.Reader(language, ZoneInfo("UTC"), NOW.date())
    for case in CASES:
        found = composing.card(reader, person(case.group, case.reason))
        assert found.said
        assert "{" not in found.said + found.then + found.badge


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("count", [0, 1, 2, 5000])
@pytest.mark.parametrize("group", GROUPS)
def test_whatever_the_numbers_the_page_begins_with_a_sentence(language: str, count: int, group: str) -> None:
    reader = composing.Reader(language, ZoneInfo("UTC"), NOW.date())
    items = [person(group, next(case.reason for case in CASES if case.group == group))] * min(count, 12)
    groups = [
        GroupToday(group=one, count=count if one == group else 0, items=items if one == group else [], next=None)
        for one in GROUPS
    ]
    said = composing.sentences(reader, CareOverview(count=count, groups=groups))
    assert said
    assert all(sentence and "{" not in sentence for sentence in said)
    fine = {words[key] for words in WORDS.values() for key in ("all_fine_2", "all_fine_3")}
    assert group == "fine" or not fine & set(said)


@pytest.mark.parametrize(("reason", "key"), [("nothing_known", "nobody_known"), ("not_asked", "nobody_needs")])
def test_of_whom_nothing_is_known_nobody_is_told_that_they_need_nobody(reason: str, key: str) -> None:
    reader = composing.Reader("en", ZoneInfo("UTC"), NOW.date())
    groups = [
        GroupToday(group=one, count=1, items=[person(one, reason)], next=None)
        if one == "unasked"
        else GroupToday(group=one, count=0, items=[], next=None)
        for one in GROUPS
    ]
    assert composing.sentences(reader, CareOverview(count=1, groups=groups)) == [WORDS["en"][key]]


def test_the_words_are_the_same_in_both_languages() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh-CN"])
