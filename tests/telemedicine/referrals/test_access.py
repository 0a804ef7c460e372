"""What goes with a referral is seen by whom it is for, exactly that, and no longer than it is open."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.identity.models import ServiceAgreement
from app.identity.scopes import APPOINTMENTS_MANAGE, RECORDS_READ
from tests.factories import eldercare_vitals, identity, sign_in, telemedicine_prescriptions, telemedicine_referrals
from tests.factories import telemedicine_records as records
from tests.factories.telemedicine_referrals import Body
from tests.telemedicine.referrals.conftest import Desk


async def _shared(desk: Desk) -> tuple[Body, str]:
    """Refer with one record in its first version and one prescription; there is more, and it was corrected since."""
    scene = desk.scene
    chosen = await records.health_record(scene.resident, records.ALLERGY)
    await records.health_record(scene.resident, records.OBSERVATION)
    signed = await telemedicine_prescriptions.prescription(scene.resident, scene.clinic, scene.clinician)
    await telemedicine_prescriptions.prescription(scene.resident, scene.clinic, scene.clinician)
    selection = {
        "health_records": [{"id": str(chosen.id), "version": 1}],
        "prescriptions": [str(signed.id)],
        "vitals": {"first": "2026-02-01T00:00:00Z"},
    }
    asked = await desk.refer(selection=selection)
    corrected = records.ALLERGY | {"clinical_status": "resolved"}
    answer = await desk.client.put(
        f"/v1/me/health-records/{chosen.id}", headers=desk.resident, json={"content": corrected}
    )
    assert answer.status_code == 200, answer.text
    return asked, str(chosen.id)


async def test_the_clinic_that_is_asked_sees_exactly_what_was_chosen_and_it_is_on_record(desk: Desk) -> None:
    asked, chosen = await _shared(desk)
    path = f"/v1/referrals/{asked['id']}/records"
    found = await desk.look(desk.doctor, path)
    assert [(one["id"], one["version"], one["is_last"]) for one in found["health_records"]] == [(chosen, 1, False)]
    assert found["health_records"][0]["content"]["clinical_status"] == "active"
    assert [one["id"] for one in found["prescriptions"]] == asked["prescriptions"]
    assert (found["name"], found["vitals"]) == (
        "Grace",
        {"first": "2026-02-01T00:00:00Z", "end": "2026-03-02T08:00:00Z"},
    )
    measured = await eldercare_vitals.reading(desk.scene.resident)
    vitals = f"/v1/referrals/{asked['id']}/vitals"
    assert (await desk.look(desk.doctor, vitals))["items"] == []  # of after the request
    wide = await desk.refer(selection={"vitals": {"first": "2026-02-01T00:00:00Z", "end": "2026-03-03T00:00:00Z"}})
    shown = await desk.look(desk.doctor, f"/v1/referrals/{wide['id']}/vitals")
    assert [one["id"] for one in shown["items"]] == [str(measured)]
    await desk.look(desk.clerk, vitals, 403)
    await desk.look(await desk.other(), vitals, 404)
    await desk.look(desk.clerk, path, 403)
    assert (await desk.show(desk.clerk, asked))["content"] is None
    await desk.look(desk.doctor, f"/v1/residents/{desk.scene.resident.id}/health-records", 404)
    looked = await desk.look(desk.resident, "/v1/me/data-accesses")
    assert "Ada looked at what goes with a referral of yours." in {one["explanation"] for one in looked["items"]}


async def test_it_ends_however_the_referral_ends(desk: Desk) -> None:
    reason = {"reason": "Full"}
    for who, action, body in (
        (desk.clerk, "refusal", reason),
        (desk.clinician, "withdrawal", {}),
        (desk.resident, "withdrawal", reason),
    ):
        asked, _ = await _shared(desk)
        path = f"/v1/referrals/{asked['id']}/records"
        await desk.look(desk.doctor, path)
        await desk.act(who, asked, action, body)
        await desk.look(desk.doctor, path, 403)
        shown = await desk.show(desk.doctor, asked)
        assert (shown["content"], shown["health_records"], shown["vitals"]) == (None, [], None)
        assert shown["history"][0]["reason"] is None
        await desk.look(desk.clinician, path)


async def test_who_has_nothing_to_do_with_it_finds_nothing(desk: Desk) -> None:
    asked, _ = await _shared(desk)
    one = f"/v1/referrals/{asked['id']}"
    strangers = [
        await desk.other(),
        await desk.other("coordinator"),
        await desk.other("coordinator", "care_agency"),
        await desk.other("operator", "operator"),
        await sign_in.sign_in(await identity.operator(await identity.community(name="Hillside")), second_factor=True),
        await sign_in.sign_in(await identity.account(desk.scene.place, name="Neighbour")),
    ]
    for who in strangers:
        await desk.look(who, one, 404)
        await desk.look(who, f"{one}/records", 404)
        await desk.ask(who, f"{one}/acceptance", {}, 404)
        await desk.ask(who, f"{one}/withdrawal", {}, 404)
    answer = await desk.client.get(f"/v1/clinics/{desk.hospital.organization.id}/referrals", headers=strangers[0])
    assert answer.status_code == 404


async def test_a_clinic_that_treats_too_sees_no_referrals_of_others(desk: Desk) -> None:
    await _shared(desk)
    third = await telemedicine_referrals.hospital(desk.scene, "Third")
    await identity.agreement(third.organization, None, desk.scene.resident)
    mine = await desk.refer(to_organization_id=str(third.organization.id))
    doctor = await sign_in.sign_in(third.clinician, second_factor=True)
    await desk.look(doctor, desk.path, 403)  # the referral alone is no treatment
    clerk = await sign_in.sign_in(third.clerk, second_factor=True)
    await desk.act(clerk, mine, "acceptance")
    time = {
        "practitioner_id": str(third.practitioner.id),
        "visit_type_id": str(third.service.id),
        "starts_at": "2026-03-03T01:00:00Z",
    }
    await desk.act(desk.resident, mine, "appointment", time)
    assert [one["id"] for one in (await desk.look(doctor, desk.path))["items"]] == [mine["id"]]
    seen = await desk.look(doctor, f"/v1/residents/{desk.scene.resident.id}/health-records")
    assert len(seen["items"]) == 2  # booked, it treats them: the record is open to it


async def test_each_side_does_its_part_alone(desk: Desk) -> None:
    asked, _ = await _shared(desk)
    for who, action, body in (
        (desk.clinician, "acceptance", {}),
        (desk.resident, "acceptance", {}),
        (desk.clinician, "refusal", {"reason": "x"}),
        (desk.doctor, "withdrawal", {}),
        (desk.clerk, "letter", {"title": "x", "text": "x"}),
        (desk.resident, "letter", {"title": "x", "text": "x"}),
        (desk.resident, "acknowledgement", {}),
    ):
        refused = await desk.act(who, asked, action, body, 403)
        assert refused["code"] == "not_your_part"


async def test_whom_the_resident_lets_look_looks_and_decides_what_they_were_let_decide(desk: Desk) -> None:
    asked, _ = await _shared(desk)
    daughter = await identity.account(desk.scene.place, name="Daughter")
    await identity.grant(desk.scene.resident, daughter, [RECORDS_READ, APPOINTMENTS_MANAGE])
    who = await sign_in.sign_in(daughter)
    assert (await desk.show(who, asked))["content"]["reason"] == telemedicine_referrals.WHY["reason"]
    await desk.act(who, asked, "withdrawal", {}, 403)
    await desk.act(desk.clerk, asked, "acceptance")
    assert (await desk.act(who, asked, "appointment", desk.time()))["state"] == "booked"


async def test_who_refers_no_longer_serves_sees_no_more(desk: Desk) -> None:
    asked, _ = await _shared(desk)
    async with unit_of_work() as session:
        await session.execute(sa.update(ServiceAgreement).values(ends_at=clocks.now()))
    await desk.show(desk.clinician, asked, 404)
    await desk.later(timedelta(days=1))
    await desk.show(desk.doctor, asked)


async def test_what_the_clinic_has_no_right_to_goes_back_with_nothing(desk: Desk) -> None:
    asked, chosen = await _shared(desk)
    other = await records.health_record(desk.scene.resident, records.IMMUNIZATION)
    await desk.act(desk.clerk, asked, "acceptance")
    await desk.act(desk.doctor, asked, "encounter")
    for wrong in ({"id": str(other.id), "version": 1}, {"id": chosen, "version": 2}):
        body = {"content": telemedicine_referrals.WHY, "selection": {"health_records": [wrong]}}
        refused = await desk.act(desk.doctor, asked, "return", body, 422)
        assert refused["errors"][0]["pointer"] == "/body/selection/health_records/0"
    right = {"content": telemedicine_referrals.WHY, "selection": {"health_records": [{"id": chosen, "version": 1}]}}
    assert (await desk.act(desk.doctor, asked, "return", right, 201))["follows_as"] == "return"
