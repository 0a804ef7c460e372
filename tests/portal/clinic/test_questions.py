"""Questions between clinics by their pages: asked without a name, answered, asked once more, closed."""

from typing import Final

import pytest
from fastapi import FastAPI

from app.core.database import Database
from app.portal.clinic.texts import WORDS
from tests.factories import identity, telemedicine_referrals
from tests.factories import telemedicine_clinics as clinics
from tests.portal import hostile
from tests.portal.clinic.world import allergic, number, reads, ward
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor

EN: Final = WORDS["en"]
NAME: Final = "Walter Wisteria"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_question_goes_there_without_a_name_and_its_answer_back(
    app: FastAPI, database: Database, language: str
) -> None:
    here, words = await ward(("Grace", NAME, "Dr Lin"), language=language), WORDS[language]
    await number(here, here.walks_in)
    await allergic(here.walks_in)
    hospital = await telemedicine_referrals.hospital(here.scene)
    await reads(hospital.clinician, language)
    there = f"/portal/clinic/{hospital.organization.id}/questions"
    chart = f"{here.address}/patients/{here.walks_in.id}"
    async with (
        visitor(app, here.doctor) as doctor,
        visitor(app, hospital.clinician) as specialist,
        visitor(app, hospital.clerk) as clerk,
    ):
        assert f'href="{chart}/ask"' in (await doctor.get(chart)).text
        form = await doctor.get(f"{chart}/ask")
        assert words["no_names"] in form.text
        record = next(
            str(given["value"])
            for tag, given in Elements(form.text).found
            if tag == "input" and given.get("name") == "record"
        )
        kept = await submit(doctor, f"{chart}/ask", f"{chart}/ask", service="Heart", text="", to=str(here.place.id))
        assert (kept.status_code, words["trouble_malformed"] in kept.text, 'value="Heart"' in kept.text) == (
            422,
            True,
            True,
        )
        sent = await submit(
            doctor,
            f"{chart}/ask",
            f"{chart}/ask",
            to=str(hospital.organization.id),
            service="Cardiology",
            text=hostile.MARKUP,
            record=record,
        )
        mine = sent.headers["location"].removesuffix("?done=asked")
        assert words["done_asked"] in (await doctor.get(sent.headers["location"])).text
        one = f"{there}/{mine.rsplit('/', 1)[-1]}"
        listed = await specialist.get(there)
        assert one in listed.text
        shown = await specialist.get(one)
        assert hostile.harmless(shown.text)
        assert "Penicillin" in shown.text
        assert words["not_named"] in shown.text
        for never in ("Wisteria", str(here.walks_in.id)):
            assert never not in shown.text + listed.text
        hidden = await clerk.get(one)
        assert EN["content_hidden"] in hidden.text
        assert "Penicillin" not in hidden.text
        assert f"{one}/answers" not in hidden.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_an_answer_comes_back_once_is_asked_about_once_more_and_closed(
    app: FastAPI, database: Database, language: str
) -> None:
    here, words = await ward(language=language), WORDS[language]
    await number(here, here.walks_in)
    hospital = await telemedicine_referrals.hospital(here.scene)
    await reads(hospital.clinician, language)
    question = await telemedicine_referrals.question(here.scene, hospital.organization)
    one = f"/portal/clinic/{hospital.organization.id}/questions/{question}"
    mine = f"{here.address}/questions/{question}"
    async with visitor(app, here.doctor) as doctor, visitor(app, hospital.clinician) as specialist:
        twice = form_on(await specialist.get(one), f"{one}/answers")
        answered = await submit(specialist, one, f"{one}/answers", text="By all means")
        assert words["done_question_answers"] in (await specialist.get(answered.headers["location"])).text
        late = await specialist.post(f"{one}/answers", data=twice | {"text": "No"})
        assert (late.status_code, words["trouble_question_state"] in late.text) == (409, True)
        back = await doctor.get(mine)
        assert "By all means" in back.text
        again = await submit(doctor, mine, f"{mine}/follow-ups", text="How much?")
        assert words["done_question_follow_ups"] in (await doctor.get(again.headers["location"])).text
        assert "How much?" in (await specialist.get(one)).text
        closed = await submit(doctor, mine, f"{mine}/closure")
        assert words["done_question_closure"] in (await doctor.get(closed.headers["location"])).text
        over = await specialist.get(one)
        assert words["content_over"] in over.text
        assert "By all means" not in over.text


async def test_a_question_is_shown_on_the_pages_of_its_two_clinics_alone(app: FastAPI, database: Database) -> None:
    here, other = await ward(), await ward(called="Hill Clinic")
    await number(here, here.walks_in)
    hospital = await telemedicine_referrals.hospital(here.scene)
    question = await telemedicine_referrals.question(here.scene, hospital.organization)
    both = await identity.organization(here.place, "clinic", name="Hall Clinic")
    await clinics.clinic(here.place, both)
    await identity.membership(both, here.doctor, "clinician")
    async with visitor(app, other.doctor) as stranger, visitor(app, here.doctor) as doctor:
        assert (await stranger.get(f"{other.address}/questions/{question}")).status_code == 404
        assert (await doctor.get(f"/portal/clinic/{both.id}/questions/{question}")).status_code == 404
        assert f"{here.address}/questions/{question}" in (await doctor.get(f"{here.address}/questions?way=out")).text
        assert str(question) not in (await doctor.get(f"{here.address}/questions?way=in")).text
        page = f"{here.address}/questions/{question}"
        fields = form_on(await doctor.get(page), f"{page}/closure")
        assert (await doctor.post(f"{page}/nonsense", data=fields)).status_code == 404
