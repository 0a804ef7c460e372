"""Booking at the desk: somebody is found, a free time is booked once, moved, called off; what is gone is said."""

import asyncio
from typing import Final

import httpx
import pytest
from fastapi import FastAPI

from app.core.database import Database
from app.portal.clinic.texts import WORDS
from tests.factories import identity
from tests.factories import telemedicine_clinics as clinics
from tests.portal import hostile
from tests.portal.clinic.world import Ward, ward
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor

EN: Final = WORDS["en"]
ZH: Final = WORDS["zh-CN"]


def slots_on(page: httpx.Response) -> list[str]:
    """Return the times a page lets one press."""
    return [
        str(given["value"])
        for tag, given in Elements(page.text).found
        if tag == "button" and given.get("name") == "slot"
    ]


def _book(here: Ward) -> str:
    return f"{here.address}/book"


def _post(here: Ward) -> str:
    return f"{here.address}/appointments"


def _for_walter(here: Ward) -> str:
    return f"{_book(here)}?resident_id={here.walks_in.id}"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_somebody_is_found_and_booked_moved_and_called_off(
    app: FastAPI, database: Database, language: str
) -> None:
    names = (hostile.MARKUP, f"Walter {hostile.QUOTES}", hostile.CHINESE)
    here, words = await ward(names, language=language), WORDS[language]
    async with visitor(app, here.desk) as desk:
        day = await desk.get(f"{here.address}?who=all")
        assert f'href="{_book(here)}?who=all"' in day.text
        assert words["nobody_found"] in (await desk.get(f"{_book(here)}?find=Nobodyatall")).text
        found = await desk.get(f"{_book(here)}?find=Walter")
        assert hostile.harmless(found.text)
        assert str(here.walks_in.id) in found.text
        shown = await desk.get(_for_walter(here))
        assert hostile.harmless(shown.text)
        assert words["free_times"] in shown.text
        first, second, *_ = slots_on(shown)
        booked = await submit(desk, _for_walter(here), _post(here), slot=first)
        assert booked.status_code == 303, booked.text
        page = booked.headers["location"].removesuffix("?done=booked")
        assert page.startswith(f"{here.address}/appointments/")
        stands = await desk.get(booked.headers["location"])
        assert words["done_booked"] in stands.text
        assert words["state_booked"] in stands.text
        assert f"{_book(here)}?resident_id={here.walks_in.id}" in stands.text.replace("&amp;", "&")
        assert words["booked_ahead"] in (await desk.get(_for_walter(here))).text
        assert first not in slots_on(await desk.get(_for_walter(here)))
        moved = await submit(desk, page, f"{page}/move", slot=second)
        assert moved.headers["location"] == f"{page}?done=move"
        assert first in slots_on(await desk.get(_for_walter(here)))
        off = await submit(desk, page, f"{page}/cancellation", reason="Flu")
        assert words["done_cancellation"] in (await desk.get(off.headers["location"])).text
        assert "Flu" in (await desk.get(page)).text
        assert second in slots_on(await desk.get(_for_walter(here)))


async def test_pressed_twice_it_is_booked_once_and_another_time_of_the_same_page_is_asked_for_anew(
    app: FastAPI, database: Database
) -> None:
    here = await ward()
    async with visitor(app, here.desk) as desk:
        page = await desk.get(_for_walter(here))
        first, second, *_ = slots_on(page)
        fields = form_on(page, _post(here))
        answers = [await desk.post(_post(here), data=fields | {"slot": first}) for _ in range(2)]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        other = await desk.post(_post(here), data=fields | {"slot": second})
        assert (other.status_code, EN["trouble_idempotency_key_reused"] in other.text) == (422, True)
        assert (await desk.get(f"{here.address}?who=all")).text.count(f">{'Walter'}</a>") == 1


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_of_two_who_book_the_same_time_one_is_told_and_offered_others(
    app: FastAPI, database: Database, language: str
) -> None:
    here, words = await ward(language=language), WORDS[language]
    third = await identity.resident(here.place, person=await identity.account(here.place, name="Third"))
    async with visitor(app, here.desk) as one, visitor(app, here.nurse) as other:
        shown = [await one.get(_for_walter(here)), await other.get(f"{_book(here)}?resident_id={third.id}")]
        slot = slots_on(shown[0])[0]
        answers = await asyncio.gather(
            *(
                browser.post(_post(here), data=form_on(page, _post(here)) | {"slot": slot})
                for browser, page in zip((one, other), shown, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [303, 409]
        late = await other.post(_post(here), data=form_on(shown[1], _post(here)) | {"slot": slot, "key": "once-more"})
        assert words["trouble_not_offered"] in late.text
        assert words["nearby"] in late.text
        offered = slots_on(late)
        assert offered
        assert slot not in offered
        rows = (await one.get(f"{here.address}?who=all")).text
        assert rows.count(">Walter</a>") + rows.count(">Third</a>") == 1
        # What was offered instead is there to be had, from the very page that says so.
        again = await other.post(_post(here), data=form_on(late, _post(here)) | {"slot": offered[0]})
        assert again.status_code == 303


async def test_a_move_to_what_is_gone_offers_what_is_near(app: FastAPI, database: Database) -> None:
    here = await ward()
    page = f"{here.address}/appointments/{here.appointment.id}"
    async with visitor(app, here.desk) as desk:
        shown = await desk.get(page)
        slot = slots_on(shown)[3]
        assert (await submit(desk, _for_walter(here), _post(here), slot=slot)).status_code == 303
        late = await desk.post(f"{page}/move", data=form_on(shown, f"{page}/move") | {"slot": slot})
        assert (late.status_code, EN["trouble_not_offered"] in late.text, EN["nearby"] in late.text) == (
            409,
            True,
            True,
        )
        assert slot not in slots_on(late)


async def test_nobody_is_booked_at_two_places_at_once(app: FastAPI, database: Database) -> None:
    here = await ward()
    colleague = await clinics.practitioner(here.clinic, here.nurse, name="Dr Wu")
    await clinics.hours(colleague, range(1, 8), "00:00", "23:30")
    async with visitor(app, here.desk) as desk:
        page = await desk.get(f"{_for_walter(here)}&who={colleague.id}")
        slot = slots_on(page)[2]
        starts_at = slot.partition("|")[0]
        assert (await submit(desk, _for_walter(here), _post(here), slot=slot)).status_code == 303
        twice = await submit(
            desk, _for_walter(here), _post(here), slot=f"{starts_at}|{here.practitioner.id}", who=str(colleague.id)
        )
        assert (twice.status_code, EN["trouble_booked_elsewhere"] in twice.text) == (409, True)


async def test_all_free_times_of_a_long_day_can_be_reached(app: FastAPI, database: Database) -> None:
    here = await ward()
    async with visitor(app, here.desk) as desk:
        seen: list[str] = []
        at = _for_walter(here)
        for _ in range(3):
            page = await desk.get(at)
            seen += slots_on(page)
            at = next(
                str(given["href"])
                for tag, given in Elements(page.text).found
                if tag == "a" and given.get("rel") == "next"
            )
        assert len(seen) == len(set(seen)) == 120


async def test_whom_the_clinic_does_not_know_it_cannot_book(app: FastAPI, database: Database) -> None:
    here = await ward()
    elsewhere = await identity.community()
    stranger = await identity.resident(elsewhere, person=await identity.account(elsewhere, name="Stranger"))
    async with visitor(app, here.desk) as desk:
        assert (await desk.get(f"{_book(here)}?resident_id={stranger.id}")).status_code == 404
        assert "Stranger" not in (await desk.get(f"{_book(here)}?find=Stranger")).text.replace('value="Stranger"', "")
        assert (await desk.get(f"{_book(here)}?resident_id=nonsense&day=soon&who=x&visit_type=y")).status_code == 200
        page = await desk.get(_for_walter(here))
        refused = await desk.post(
            _post(here),
            data=form_on(page, _post(here)) | {"resident_id": str(stranger.id), "slot": slots_on(page)[0]},
        )
        assert refused.status_code == 404
        nothing = await submit(desk, _for_walter(here), _post(here))
        assert (nothing.status_code, EN["trouble_malformed"] in nothing.text) == (422, True)
    async with visitor(app, await identity.account(here.place, name="Relative")) as browser:
        assert (await browser.get(_book(here))).status_code == 403
