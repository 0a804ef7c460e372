"""A company's people, what is said of it, its money, and what its people have in their pockets."""

import base64
import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.portal.provider import people, person, said, statements
from app.portal.provider.texts import WORDS
from community.workers.models import Worker
from tests.factories import community_orders as orders
from tests.factories import community_ratings as ratings
from tests.factories import community_workers as workers
from tests.portal import hostile
from tests.portal.ground import form_on, submit, visitor
from tests.portal.provider.conftest import CODE, Scene
from tests.portal.provider.test_desk import in_chinese, of_order

EN = WORDS["en"]
WORK = "/portal/provider/mine"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def _days(first: int, last: int) -> tuple[datetime, datetime]:
    """Return local midnights of March, as a worker's days off are kept."""
    month = datetime.fromisoformat("2026-03-01T00:00:00")
    return month.replace(day=first), month.replace(day=last)


async def test_who_is_off_and_whose_certificate_runs_out_is_on_the_page_of_people(scene: Scene) -> None:
    await workers.exception(scene.people["ai"], "off", *_days(1, 5))
    await workers.skill(scene.people["bo"], "first-aid", proved=True, expires_at=datetime(2026, 3, 10, tzinfo=UTC))
    async with visitor(scene.app, scene.boss) as browser:
        page = await browser.get(f"{scene.root}/people")
        assert EN["stands_off"] in page.text
        assert EN["is_away"] in page.text
        assert EN["certificates_end"] in page.text
        later = await browser.get(f"{scene.root}/people?day=2026-03-20")
        assert EN["stands_off"] not in later.text


async def test_weekly_hours_are_kept_by_a_form_and_a_wrong_one_is_told(scene: Scene) -> None:
    page = f"{scene.root}/people/{scene.people['ai'].id}"
    async with visitor(scene.app, scene.boss) as browser:
        shown = await browser.get(page)
        fields = form_on(shown, f"{page}/hours")
        for day in range(1, 8):
            fields |= {f"starts-{day}": "", f"ends-{day}": ""}
        fields |= {"starts-1": "9:00", "ends-1": "17:30", "pause-1": "45", "holidays-1": "1"}
        kept = await browser.post(f"{page}/hours", data=fields)
        assert kept.headers["location"] == f"{page}?done=hours"
        async with unit_of_work() as session:
            row = await session.get_one(Worker, scene.people["ai"].id)
            assert row.hours == [{"weekday": 1, "starts": 540, "ends": 1050, "pause": 45, "on_holidays": True}]
        stale = await browser.post(f"{page}/hours", data=fields | {"key": "another"})
        assert stale.status_code == 412
        fresh = form_on(await browser.get(page), f"{page}/hours")
        wrong = await browser.post(f"{page}/hours", data=fresh | {"starts-1": "late", "ends-1": "later"})
        assert wrong.status_code == 422


async def test_days_off_are_given_and_taken_back(scene: Scene) -> None:
    page = f"{scene.root}/people/{scene.people['ai'].id}"
    async with visitor(scene.app, scene.boss) as browser:
        given = await submit(browser, page, f"{page}/exceptions", starts_on="2026-03-04", ends_on="2026-03-05")
        assert given.headers["location"] == f"{page}?done=exceptions"
        shown = await browser.get(page)
        (removal,) = set(re.findall(rf"{page}/exceptions/[0-9a-f-]+/removal", shown.text))
        assert "Mar 6" in shown.text  # the first moment that is not off any more
        assert (await submit(browser, page, removal)).headers["location"] == f"{page}?done=as_usual"
        wrong = await submit(browser, page, f"{page}/exceptions", starts_on="soon")
        assert wrong.status_code == 422


async def test_a_skill_is_entered_seen_doubted_and_removed(scene: Scene) -> None:
    page = f"{scene.root}/people/{scene.people['ai'].id}"
    async with visitor(scene.app, scene.boss) as browser:

        async def press(act: str, **fields: str) -> str:
            shown = await browser.get(page)
            data = form_on(shown, f"{page}/skills") | fields
            answer = await browser.post(f"{page}/{act}", data=data)
            return str(answer.headers.get("location", answer.text))

        empty = {"version": "", "proof_id": ""}
        assert (await press("skills", code="Not a code", **empty)).count(EN["trouble_skill_code"]) == 1
        number = {"certificate_number": hostile.MARKUP, "expires_on": "2027-01-01"}
        assert await press("skills", code="bathing", **number, **empty) == f"{page}?done=skills"
        assert await press("verification", code="bathing") == f"{page}?done=verification"
        assert await press("doubt", code="bathing") == f"{page}?done=doubt"
        assert EN["trouble_nothing_to_verify"] in await press("verification", code="cleaning")
        assert hostile.harmless((await browser.get(page)).text)
        assert await press("removal", code="bathing") == f"{page}?done=removal"


async def test_somebody_is_sent_no_more_and_again(scene: Scene) -> None:
    page = f"{scene.root}/people/{scene.people['ai'].id}"
    async with visitor(scene.app, scene.boss) as browser:
        stopped = await submit(browser, page, f"{page}/suspension", reason=hostile.MARKUP)
        assert stopped.headers["location"] == f"{page}?done=suspension"
        assert hostile.harmless((await browser.get(page)).text)
        again = await submit(browser, page, f"{page}/lifting")
        assert again.headers["location"] == f"{page}?done=lifting"


async def test_a_rating_is_answered_once_and_not_with_a_number_in_it(scene: Scene) -> None:
    row = await ratings.rating(await scene.ordered(hours=2, worker_id=scene.ai.id, state="finished"))
    page = f"{scene.root}/ratings"
    async with visitor(scene.app, scene.boss) as browser:
        action = f"{page}/{row.id}/answer"
        named = await submit(browser, page, action, text="Call +86 138 0000 0001")
        assert (named.status_code, EN["trouble_names_somebody"] in named.text) == (422, True)
        fields = form_on(await browser.get(page), action) | {"text": hostile.MARKUP}
        assert (await browser.post(action, data=fields)).headers["location"] == f"{page}?done=answered"
        assert hostile.harmless((await browser.get(page)).text)
        late = await browser.post(action, data=fields | {"key": "another"})
        assert (late.status_code, EN["trouble_rating_answered"] in late.text) == (409, True)


async def test_a_complaint_is_answered_with_a_photo_and_accepted(scene: Scene) -> None:
    row = await scene.ordered(hours=2, worker_id=scene.ai.id, state="finished")
    await ratings.complaint(row)
    page = f"{scene.root}/complaints/{row.id}"
    async with visitor(scene.app, scene.boss) as browser:
        listed = await browser.get(f"{scene.root}/complaints")
        assert page in listed.text
        answered = await submit(browser, page, f"{page}/answer", statement=hostile.MARKUP)
        assert answered.headers["location"] == f"{page}?done=complaint_answered"
        fields = form_on(await browser.get(page), f"{page}/evidence") | {"statement": "See"}
        del fields["file"]
        added = await browser.post(f"{page}/evidence", data=fields, files={"file": ("photo.png", PIXEL, "image/png")})
        assert added.headers.get("location") == f"{page}?done=evidence_kept", added.text[:2000]
        shown = await browser.get(page)
        assert hostile.harmless(shown.text)
        assert "/v1/media/" in shown.text
        fields = form_on(shown, f"{page}/evidence") | {"statement": ""}
        del fields["file"]
        refused = await browser.post(f"{page}/evidence", data=fields, files={"file": ("virus.exe", b"MZ", "x/y")})
        assert (refused.status_code, EN["trouble_file_not_taken"] in refused.text) == (422, True)
        second = await browser.post(f"{page}/answer", data=form_on(shown, f"{page}/evidence") | {"statement": "Again"})
        assert (second.status_code, EN["trouble_complaint_not_open"] in second.text) == (409, True)


def test_complaints_with_a_deadline_come_first_and_the_next_one_before_all() -> None:
    def one(state: str, created: str, answer_by: str | None = None) -> dict[str, str | None]:
        return {"state": state, "created_at": created, "answer_by": answer_by}

    decided, waits = one("decided", "2026-03-09T00:00:00Z"), one("answered", "2026-03-01T00:00:00Z")
    later = one("open", "2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z")
    soon = one("open", "2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z")
    assert said.by_urgency([decided, waits, later, soon]) == [soon, later, waits, decided]


async def test_a_month_is_shown_printed_and_given_as_a_table(scene: Scene) -> None:
    page = f"{scene.root}/statements"
    async with visitor(scene.app, scene.boss) as browser:
        assert (await browser.get(page)).status_code == 200
        assert EN["sum_gross"] in (await browser.get(f"{page}/2026-03")).text
        table = await browser.get(f"{page}/2026-03.csv")
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert [one["line"] for one in rows][:2] == ["opening", "gross"]
        assert "attachment" in table.headers["content-disposition"]
        for wrong in ("2026-13", "2026-3", "=cmd", "2026-13.csv", "2026-13.pdf"):
            assert (await browser.get(f"{page}/{wrong}")).status_code == 404, wrong
    async with visitor(scene.app, scene.rival) as browser:
        for path in ("", "/2026-03", "/2026-03.csv", "/2026-03.pdf"):
            assert (await browser.get(page + path)).status_code in (403, 404)


def test_months_go_back_over_a_new_year() -> None:
    assert statements.months_until(date(2026, 2, 28), 4) == ["2026-02", "2026-01", "2025-12", "2025-11"]


def test_a_skill_says_what_is_the_matter_with_it() -> None:
    today = date(2026, 3, 2)
    base = {"is_expired": False, "is_verified": True, "expires_on": None}
    assert people.skill_state(base, today) == "fine"
    assert people.skill_state(base | {"is_verified": False}, today) == "unseen"
    assert people.skill_state(base | {"expires_on": "2026-04-01"}, today) == "soon"
    assert people.skill_state(base | {"expires_on": "2026-04-02"}, today) == "fine"
    assert people.skill_state(base | {"is_expired": True, "expires_on": "2026-03-01"}, today) == "expired"


def test_what_is_kept_of_a_week_is_shown_with_a_line_to_fill_in() -> None:
    kept = {"weekday": 2, "starts": "08:00", "ends": "12:00", "pause": "PT30M", "on_holidays": False}
    week = dict(person.weekly([kept]))
    assert [line["starts"] for line in week[2]] == ["08:00", ""]
    assert week[2][0]["pause"] == 30
    assert [len(lines) for lines in week.values()] == [1, 2, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_pages_of_whoever_goes_stand_in_both_languages(scene: Scene, language: str) -> None:
    row = await scene.ordered(hours=1)
    await orders.on_the_way(row, scene.people["ai"])
    await orders.offered(await scene.ordered(hours=5), scene.ai)
    if language != "en":
        await in_chinese(scene.ai)
    async with visitor(scene.app, scene.ai) as browser:
        for path in ("", "/part", "/times", "/ratings", f"/orders/{row.id}"):
            page = await browser.get(WORK + path)
            assert page.status_code == 200, (path, page.status_code)
            assert hostile.harmless(page.text), path
        assert WORDS[language]["offers_title"] in (await browser.get(WORK)).text


async def test_whoever_is_asked_takes_an_order_and_the_other_hears_that_it_is_gone(scene: Scene) -> None:
    row = await scene.ordered()
    await orders.looked_for(row, "offered")
    mine, theirs = await orders.offered(row, scene.ai), await orders.offered(row, scene.bo)
    async with visitor(scene.app, scene.ai) as one, visitor(scene.app, scene.bo) as other:
        late = form_on(await other.get(WORK), f"{WORK}/offers/{theirs.id}/acceptance")
        took = await submit(one, WORK, f"{WORK}/offers/{mine.id}/acceptance")
        assert took.headers["location"] == f"{WORK}?done=offer_taken"
        said_to = await other.post(f"{WORK}/offers/{theirs.id}/acceptance", data=late)
        assert (said_to.status_code, EN["trouble_offer_over"] in said_to.text) == (409, True)
    assert (await of_order(row)).worker_id == scene.ai.id


async def test_an_offer_is_refused(scene: Scene) -> None:
    offer = await orders.offered(await scene.ordered(), scene.ai)
    async with visitor(scene.app, scene.ai) as browser:
        no = await submit(browser, WORK, f"{WORK}/offers/{offer.id}/refusal")
        assert no.headers["location"] == f"{WORK}?done=offer_refused"


async def test_whoever_goes_sets_out_begins_with_the_code_and_ends(scene: Scene) -> None:
    row = await scene.ordered(hours=0.4)
    page = f"{WORK}/orders/{row.id}"
    async with visitor(scene.app, scene.boss) as desk:
        await submit(
            desk,
            f"{scene.root}/orders/{row.id}",
            f"{scene.root}/orders/{row.id}/assignment",
            worker_id=str(scene.ai.id),
        )
    async with visitor(scene.app, scene.bo) as other:
        assert (await other.get(page)).status_code in (403, 404)
    async with visitor(scene.app, scene.ai) as browser:
        assert hostile.harmless((await browser.get(page)).text)
        door = await submit(browser, page, f"{page}/door#door")
        assert (door.status_code, EN["door"] in door.text) == (200, True)
        out = await submit(browser, page, f"{page}/on-the-way")
        assert out.headers["location"] == f"{page}?done=set_out"
        wrong = await submit(browser, page, f"{page}/start", code="000000")
        assert (wrong.status_code, EN["trouble_wrong_start_code"] in wrong.text) == (409, True)
        begun = await submit(browser, page, f"{page}/start", code="271 828")
        assert begun.headers["location"] == f"{page}?done=begun", CODE
        noted = await submit(browser, page, f"{page}/notes", text=hostile.MARKUP, unwell="")
        assert noted.status_code == 303
        more = await submit(browser, page, f"{page}/extra-time", minutes="30")
        assert more.headers["location"] == f"{page}?done=time_asked"
        fields = form_on(await browser.get(page), f"{page}/photos")
        del fields["file"]
        photo = await browser.post(f"{page}/photos", data=fields, files={"file": ("p.png", PIXEL, "image/png")})
        assert photo.headers.get("location") == f"{page}?done=photo_kept", photo.text[:1500]
        open_steps = await submit(browser, page, f"{page}/completion")
        assert (open_steps.status_code, EN["trouble_checklist_open"] in open_steps.text) == (409, True)
        ended = await submit(browser, page, f"{page}/completion", done="kitchen")
        assert ended.headers["location"] == f"{page}?done=ended"
        over = await browser.get(page)
        assert "Lane 7" not in over.text
        assert hostile.harmless(over.text)


async def test_that_the_resident_is_unwell_raises_an_alarm_and_says_so(scene: Scene) -> None:
    row = await scene.ordered(hours=0.2)
    page = f"{WORK}/orders/{row.id}"
    await orders.on_the_way(row, scene.people["ai"])
    async with visitor(scene.app, scene.ai) as browser:
        sent = await submit(browser, page, f"{page}/notes", text="On the floor")
        assert sent.headers["location"] == f"{page}?done=unwell"
        assert EN["done_unwell"] in (await browser.get(sent.headers["location"])).text


async def test_nobody_opens_once_it_is_time_and_not_before(scene: Scene, clock: ManualClock) -> None:
    row = await scene.ordered(hours=0.2)
    page = f"{WORK}/orders/{row.id}"
    await orders.on_the_way(row, scene.people["ai"])
    async with visitor(scene.app, scene.ai) as browser:
        said = f'<details data-opens="{row.starts_at.isoformat()}"'
        assert f"{said} hidden>" in (await browser.get(page)).text
        clock.advance(timedelta(minutes=20))
        assert f"{said}>" in (await browser.get(page)).text
        said_so = await submit(browser, page, f"{page}/no-access", note="Rang three times")
        assert said_so.headers["location"] == f"{page}?done=nobody_there"


async def test_whoever_goes_takes_days_off_and_takes_back_their_own_alone(scene: Scene) -> None:
    worker = scene.people["ai"]
    given = await workers.exception(worker, "off", *_days(20, 21))
    async with unit_of_work() as session:
        kept = await session.get_one(type(given), given.id)
        kept.entered_by = scene.boss.id
    page, path = f"{WORK}/times", f"{WORK}/times/{worker.id}/exceptions"
    async with visitor(scene.app, scene.ai) as browser:
        off = await submit(browser, page, path, starts_on="2026-03-10", starts_time="09:00", ends_time="11:30")
        assert off.headers["location"] == f"{page}?done=exceptions"
        (removal,) = set(re.findall(rf"{path}/[0-9a-f-]+/removal", (await browser.get(page)).text))
        assert str(given.id) not in removal
        assert (await submit(browser, page, removal)).headers["location"] == f"{page}?done=as_usual"


async def test_a_stranger_has_no_work_here(app: FastAPI, scene: Scene) -> None:
    async with visitor(app, scene.rival) as browser:
        page = await browser.get(f"{WORK}/times")
        assert EN["no_profile"] in page.text
        wrong = await browser.get(f"{WORK}?day=never")
        assert (wrong.status_code, EN["day_free"] in wrong.text) == (200, True)
