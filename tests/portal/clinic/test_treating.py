"""Treating somebody by the clinic's pages: the note, prescriptions with what speaks against them, referrals, video."""

from typing import Final
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI

from app.core.database import Database
from app.portal.clinic.texts import WORDS
from tests.factories import telemedicine, telemedicine_prescriptions, telemedicine_referrals
from tests.factories import telemedicine_clinics as clinics
from tests.portal import hostile
from tests.portal.clinic.world import Ward, allergic, number, ward
from tests.portal.elements import Elements
from tests.portal.ground import form_on, submit, visitor

EN: Final = WORDS["en"]
SAID: Final = {"subjective": hostile.MARKUP, "plan": "Tea & rest"}


async def called() -> tuple[Ward, str, str]:
    """Return a clinic in which somebody was called, their page and where it is with the reason to look."""
    here = await ward()
    ticket = await number(here, here.walks_in, state="called", called_at=here.appointment.created_at)
    base = f"{here.address}/patients/{here.walks_in.id}"
    return here, base, f"{base}?ticket={ticket.id}"


def links(page: httpx.Response, within: str) -> list[str]:
    """Return where the page leads to that has ``within`` in its address."""
    return [
        str(given["href"])
        for tag, given in Elements(page.text).found
        if tag == "a" and within in str(given.get("href"))
    ]


async def test_a_note_is_kept_signed_and_done_with_once_however_often_it_is_pressed(
    app: FastAPI, database: Database
) -> None:
    here, base, page = await called()
    async with visitor(app, here.doctor) as browser:
        kept = await submit(browser, page, f"{base}/note", **SAID)
        assert kept.headers["location"].endswith("done=note_kept")
        fields = form_on(await browser.get(page), f"{base}/note")
        assert fields["version"] == "1"
        assert hostile.harmless((await browser.get(page)).text)
        for _ in range(2):
            signed = await browser.post(f"{base}/note/signature", data=fields | SAID)
            assert signed.headers["location"].endswith("done=signed")
        shown = await browser.get(page)
        (document,) = links(shown, "/documents/")
        assert hostile.harmless(shown.text)
        read = await browser.get(document)
        assert "Tea &amp; rest" in read.text
        assert hostile.harmless(read.text)
        assert EN["nobody_waits"] in (await browser.get(f"{here.address}/queue/part")).text

        amended = await submit(browser, document, f"{document}/amendment", text="It was camomile.")
        assert amended.headers["location"] == f"{document}?done=amended"
        after = await browser.get(document)
        assert "It was camomile." in after.text
        assert "Tea &amp; rest" in after.text
        stale = await browser.post(
            f"{document}/amendment", data=form_on(read, f"{document}/amendment") | {"text": "Too late"}
        )
        assert (stale.status_code, EN["trouble_stale_version"] in stale.text) == (412, True)
        assert "Too late" in stale.text


async def test_a_note_that_is_typed_is_kept_and_never_over_another_windows(app: FastAPI, database: Database) -> None:
    here, base, page = await called()
    async with visitor(app, here.doctor) as browser:
        fields = form_on(await browser.get(page), f"{base}/note")
        first = await browser.post(f"{base}/note/autosave", data=fields | {"subjective": "Here"})
        assert first.json() == {"version": 1}
        other = await browser.post(f"{base}/note/autosave", data=fields | {"subjective": "There"})
        assert (other.status_code, other.json()["code"]) == (412, "stale_version")
        # What was kept already, and whose answer was lost, is no other window's.
        again = await browser.post(f"{base}/note/autosave", data=fields | {"subjective": "Here "})
        assert (again.status_code, again.json()) == (200, {"version": 1})
        late = await browser.post(f"{base}/note/signature", data=fields | {"subjective": "There"})
        assert late.status_code == 412
        assert EN["trouble_stale_version"] in late.text
        assert "There" in late.text
        nothing = await browser.post(
            f"{base}/note/signature", data=fields | {"version": "1", "subjective": " ", "key": "new"}
        )
        assert (nothing.status_code, EN["trouble_nothing_written"] in nothing.text) == (409, True)


async def test_a_note_is_never_written_into_somebody_elses_visit(app: FastAPI, database: Database) -> None:
    here, base, page = await called()
    visit = await telemedicine.consultation(here.scene)
    theirs = await number(here, here.booked, number=2, state="called", called_at=here.appointment.created_at)
    elsewhere = f"{here.address}/patients/{here.booked.id}"
    async with visitor(app, here.doctor) as browser:
        assert (await browser.get(f"{elsewhere}?consultation={visit.id}")).status_code == 404
        assert (await browser.get(f"{base}?appointment={here.appointment.id}")).status_code == 404
        fields = form_on(await browser.get(page), f"{base}/note") | {"subjective": "Coughs"}
        for act in ("note", "note/autosave", "note/signature", "note/addenda"):
            for wrong in ({"consultation": str(visit.id)}, {"appointment": str(here.appointment.id)}):
                where = elsewhere if "consultation" in wrong else base
                refused = await browser.post(f"{where}/{act}", data=fields | {"text": "x", "ticket": ""} | wrong)
                assert refused.status_code == 404, (act, wrong)
        signed = await browser.post(f"{base}/note/signature", data=fields | {"ticket": str(theirs.id)})
        assert signed.status_code == 303
        line = (await browser.get(f"{here.address}/queue/part")).text
        assert f"{theirs.id}/outcome" in line or str(theirs.id) in line  # they are still called


async def test_what_is_found_is_entered_as_the_clinics_word(app: FastAPI, database: Database) -> None:
    here, base, page = await called()
    async with visitor(app, here.doctor) as browser:
        for kind, given in {
            "condition": {"what": "Hypertension", "what_code": "I10", "what_system": "icd10"},
            "allergy": {"what": hostile.MARKUP[:60], "is_drug": "1"},
            "observation": {
                "what": "HbA1c",
                "what_code": "4548-4",
                "what_system": "loinc",
                "value": "6,4",
                "unit": "%",
            },
            "order": {"what": "Chest X-ray"},
        }.items():
            entered = await submit(browser, page, f"{base}/records/{kind}", **given)
            assert entered.headers["location"].endswith("done=entered"), (kind, entered.text[:500])
        shown = await browser.get(page)
        for text in ("Hypertension", "I10", "6.4", "Chest X-ray"):
            assert text in shown.text, text
        assert hostile.harmless(shown.text)
        wrong = await submit(browser, page, f"{base}/records/condition", what="")
        assert (wrong.status_code, EN["trouble_malformed"] in wrong.text) == (422, True)


async def test_a_prescription_is_signed_with_a_word_on_what_speaks_against_it(app: FastAPI, database: Database) -> None:
    here, base, _ = await called()
    await allergic(here.walks_in)
    page = f"{base}/prescriptions"
    async with visitor(app, here.doctor) as browser, visitor(app, here.nurse) as nurse:
        given = {"what": "Amoxicillin 500 mg", "what_code": "J01CA04", "ingredient_code": "764146007"}
        drafted = await submit(browser, page, page, **given, dosage="1 every 8 hours", amount="21", unit="{capsule}")
        draft = drafted.headers["location"]
        shown = await browser.get(draft)
        assert EN["warning_allergy"].format(what="Penicillin") in shown.text
        fields = form_on(shown, f"{draft}/signature")
        silent = await browser.post(f"{draft}/signature", data={**fields, "warning": ""})
        assert silent.status_code in (409, 422)
        (reason,) = (name for name in fields if name.startswith("reason-"))
        hers = await nurse.post(
            f"{draft}/signature", data=form_on(await nurse.get(draft), f"{draft}/signature") | {reason: "I may not"}
        )
        assert (hers.status_code, EN["trouble_licence_not_valid"] in hers.text) == (409, True)
        assert "I may not" in hers.text
        signed = await submit(browser, draft, f"{draft}/signature", **{reason: "Tolerated it last year"})
        assert signed.headers["location"] == f"{draft}?done=rx_signature"
        stands = await browser.get(draft)
        assert "Tolerated it last year" in stands.text
        again = await submit(browser, page, page, copy_of=draft.rsplit("/", 1)[-1])
        assert again.status_code == 303
        stopped = await submit(browser, draft, f"{draft}/stop", reason="Better")
        assert stopped.headers["location"].endswith("done=rx_stop")
        assert f"{draft}/stop" not in (await browser.get(draft)).text


async def test_words_alone_are_said_to_be_compared_with_nothing(app: FastAPI, database: Database) -> None:
    here, base, _ = await called()
    page = f"{base}/prescriptions"
    async with visitor(app, here.doctor) as browser:
        empty = await submit(browser, page, page, what="Tea", dosage="")
        assert (empty.status_code, EN["trouble_malformed"] in empty.text) == (422, True)
        assert 'value="Tea"' in empty.text
        drafted = await submit(browser, page, page, what=hostile.MARKUP, dosage=hostile.QUOTES)
        shown = await browser.get(drafted.headers["location"])
        assert EN["check_no_codes"] in shown.text
        assert hostile.harmless(shown.text)


async def test_a_renewal_is_granted_as_a_draft_or_declined(app: FastAPI, database: Database) -> None:
    here, _, _ = await called()
    page = f"{here.address}/renewals"
    for answer in ("granted", "declined"):
        drug = await telemedicine_prescriptions.prescription(here.walks_in, here.organization, here.doctor)
        renewal = await telemedicine_prescriptions.renewal(drug, here.walks_in.account_id)
        act = f"{page}/{here.walks_in.id}/{renewal}"
        async with visitor(app, here.doctor) as browser:
            fields = form_on(await browser.get(page), act)
            answered = await submit(browser, page, act, answer=answer, reason="")
            if answer == "granted":
                assert EN["rx_sign"] in (await browser.get(answered.headers["location"])).text
            else:
                assert answered.headers["location"] == f"{page}?done=declined"
            late = await browser.post(act, data=fields | {"answer": "declined", "key": "another"})
            assert (late.status_code, EN["trouble_renewal_answered"] in late.text) == (409, True)


async def test_a_referral_goes_from_clinic_to_clinic_and_a_letter_back(app: FastAPI, database: Database) -> None:
    here, base, _ = await called()
    await allergic(here.walks_in)
    hospital = await telemedicine_referrals.hospital(here.scene)
    await clinics.hours(hospital.practitioner, range(1, 8), "00:00", "23:30")
    there = f"/portal/clinic/{hospital.organization.id}/referrals"
    async with (
        visitor(app, here.doctor) as doctor,
        visitor(app, hospital.clinician) as specialist,
        visitor(app, hospital.clerk) as clerk,
    ):
        form = await doctor.get(f"{base}/refer")
        record = next(
            str(given["value"])
            for tag, given in Elements(form.text).found
            if tag == "input" and given.get("name") == "record"
        )
        referred = await submit(
            doctor,
            f"{base}/refer",
            f"{base}/refer",
            to=str(hospital.organization.id),
            service="Cardiology",
            reason=hostile.MARKUP,
            record=record,
        )
        assert referred.status_code == 303, referred.text[:800]
        sent = referred.headers["location"].partition("?")[0]
        one = f"{there}/{sent.rsplit('/', 1)[-1]}"
        assert one in (await specialist.get(there)).text
        shown = await specialist.get(one)
        assert hostile.harmless(shown.text)
        assert "Penicillin" in shown.text
        assert EN["content_hidden"] in (await clerk.get(one)).text
        offers = [
            str(given["value"])
            for tag, given in Elements(shown.text).found
            if tag == "input" and given.get("name") == "offer"
        ]
        fields = form_on(shown, f"{one}/refusal")
        accepted = await submit(specialist, one, f"{one}/acceptance", offer=offers[0])
        assert accepted.headers["location"] == f"{one}?done=referral_acceptance"
        late = await clerk.post(
            f"{one}/refusal", data=form_on(await clerk.get(one), f"{one}/refusal") | fields_of(fields)
        )
        assert late.status_code in (409, 412)
        booked = await submit(clerk, one, f"{one}/appointment", offer=offers[0])
        assert booked.headers["location"] == f"{one}?done=referral_appointment", booked.text[:600]
        assert (await submit(specialist, one, f"{one}/encounter")).status_code == 303
        letter = await submit(specialist, one, f"{one}/letter", title="Letter", text="All is well")
        assert letter.headers["location"] == f"{one}?done=referral_letter", letter.text[:600]
        assert EN["letter_came"] in (await doctor.get(sent)).text


def fields_of(fields: dict[str, str]) -> dict[str, str]:
    """Return the version a form was shown with."""
    return {"version": fields["version"], "reason": "No room"}


async def test_a_referral_is_refused_with_a_reason(app: FastAPI, database: Database) -> None:
    here, _, _ = await called()
    hospital = await telemedicine_referrals.hospital(here.scene)
    referral = await telemedicine_referrals.referral(here.scene, hospital.organization)
    one = f"/portal/clinic/{hospital.organization.id}/referrals/{referral}"
    async with visitor(app, hospital.clerk) as clerk, visitor(app, here.doctor) as doctor:
        assert (await submit(clerk, one, f"{one}/refusal", reason="")).status_code == 422
        refused = await submit(clerk, one, f"{one}/refusal", reason="No room")
        assert refused.headers["location"] == f"{one}?done=referral_refusal"
        assert "No room" in (await doctor.get(f"{here.address}/referrals/{referral}")).text


async def test_a_video_visit_is_entered_and_its_own_note_signed(app: FastAPI, database: Database) -> None:
    here, base, _ = await called()
    visit = await telemedicine.consultation(here.scene)
    page = f"{base}?consultation={visit.id}"
    async with visitor(app, here.doctor) as browser:
        video = await browser.get(f"{here.address}/video")
        assert f"consultation={visit.id}" in video.text
        room = await submit(browser, f"{here.address}/video", f"{here.address}/video/{visit.id}/room")
        assert urlsplit(room.headers["location"]).path == "/portal/video-visits"
        assert urlsplit(room.headers["location"]).fragment
        kept = await submit(browser, page, f"{base}/note", subjective="Coughs", instructions="Drink tea")
        assert kept.headers["location"].endswith("done=note_kept")
        fields = form_on(await browser.get(page), f"{base}/note")
        said = {"subjective": "Coughs", "instructions": "Drink tea", "follow_up_days": "7"}
        signed = await browser.post(f"{base}/note/signature", data=fields | said)
        assert signed.headers["location"].endswith("done=signed"), signed.text[:800]
        shown = await browser.get(page)
        assert EN["note_signed_title"] in shown.text
        added = await submit(browser, page, f"{base}/note/addenda", text=hostile.MARKUP)
        assert added.headers["location"].endswith("done=added")
        after = await browser.get(page)
        assert hostile.harmless(after.text)
        assert EN["addendum"] in after.text
    async with visitor(app, here.nurse) as nurse:
        assert str(visit.id) not in (await nurse.get(f"{here.address}/video")).text


async def test_a_patient_the_clinic_does_not_treat_is_shown_to_nobody_and_it_is_said_why(
    app: FastAPI, database: Database
) -> None:
    here = await ward()
    async with visitor(app, here.doctor) as browser:
        page = await browser.get(f"{here.address}/patients/{here.walks_in.id}")
        assert EN["no_chart_no_treatment"] in page.text
        assert "noteform" not in page.text
