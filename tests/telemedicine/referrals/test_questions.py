"""Questions between clinicians: asked without a name, answered, asked once more, closed; what waits climbs."""

from datetime import timedelta

from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from telemedicine.api import end_care
from telemedicine.referrals import jobs
from tests.factories import identity, sign_in
from tests.factories import telemedicine_records as records
from tests.factories.telemedicine_referrals import HEART, Body, Headers
from tests.telemedicine.referrals.conftest import Desk


async def _ask(desk: Desk, **values: object) -> Body:
    body = {
        "specialty": HEART,
        "text": "Would you stop it?",
        "to_organization_id": str(desk.hospital.organization.id),
        **values,
    }
    return await desk.ask(desk.clinician, f"/v1/residents/{desk.scene.resident.id}/questions", body, 201)


async def _do(
    desk: Desk, who: Headers, question: Body, action: str, text: str | None = None, status: int = 200
) -> Body:
    return await desk.ask(who, f"/v1/questions/{question['id']}/{action}", {"text": text} if text else {}, status)


async def test_a_question_is_answered_and_asked_once_more_and_closed(desk: Desk) -> None:
    asked = await _ask(desk)
    assert (asked["state"], asked["resident_id"], asked["due_at"]) == (
        "asked",
        str(desk.scene.resident.id),
        "2026-03-05T08:00:00Z",
    )
    answered = await _do(desk, desk.doctor, asked, "answers", "I would not")
    assert (answered["state"], answered["due_at"], answered["resident_id"]) == ("answered", None, None)
    assert (await _do(desk, desk.doctor, asked, "answers", "Again", 409))["question_state"] == "answered"
    again = await _do(desk, desk.clinician, asked, "follow-ups", "And the dose?")
    assert again["state"] == "asked"
    await _do(desk, desk.doctor, asked, "answers", "Half of it")
    closed = await _do(desk, desk.clinician, asked, "closure")
    assert [(one["kind"], one["author_name"], one["text"]) for one in closed["messages"]] == [
        ("question", "Edith", "Would you stop it?"),
        ("answer", "Ada", "I would not"),
        ("question", "Edith", "And the dose?"),
        ("answer", "Ada", "Half of it"),
    ]
    assert (await _do(desk, desk.clinician, asked, "follow-ups", "Hm", 409))["question_state"] == "closed"


async def test_who_is_asked_sees_what_was_chosen_and_nobodys_name_until_it_is_closed(desk: Desk) -> None:
    chosen = await records.health_record(desk.scene.resident, records.ALLERGY)
    asked = await _ask(desk, selection={"health_records": [{"id": str(chosen.id), "version": 1}]})
    path = f"/v1/questions/{asked['id']}"
    answer = await desk.client.get(f"{path}/records", headers=desk.doctor)
    assert answer.status_code == 200, answer.text
    for name in (desk.scene.resident.id, desk.scene.account.id, desk.scene.account.name):
        assert str(name) not in answer.text
    assert [one["id"] for one in answer.json()["health_records"]] == [str(chosen.id)]
    shown = await desk.client.get(path, headers=desk.doctor)
    listed = await desk.client.get(f"/v1/clinics/{desk.hospital.organization.id}/questions", headers=desk.doctor)
    for told in (shown, listed):
        assert told.status_code == 200, told.text
        assert str(desk.scene.resident.id) not in told.text
        assert "Grace" not in told.text
    await desk.look(desk.clerk, f"{path}/records", 403)
    await desk.look(await desk.other(), path, 404)

    seen = (await desk.look(desk.resident, "/v1/me/questions"))["items"]
    assert [one["id"] for one in seen] == [asked["id"]]
    await _do(desk, desk.resident, asked, "closure")
    await desk.look(desk.doctor, f"{path}/records", 403)
    assert (await desk.look(desk.doctor, path))["messages"] == []
    assert (await _do(desk, desk.doctor, asked, "answers", "Late", 409))["question_state"] == "closed"


async def test_the_number_they_are_insured_under_goes_with_no_question(desk: Desk) -> None:
    insured = await records.health_record(desk.scene.resident, records.COVERAGE)
    body = {
        "specialty": HEART,
        "text": "Would you stop it?",
        "to_organization_id": str(desk.hospital.organization.id),
        "selection": {"health_records": [{"id": str(insured.id), "version": 1}]},
    }
    refused = await desk.ask(desk.clinician, f"/v1/residents/{desk.scene.resident.id}/questions", body, 422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
        ("/body/selection/health_records/0", "names_resident")
    ]


async def test_a_question_is_for_a_clinician_there_and_each_side_does_its_part(desk: Desk) -> None:
    wrong = {
        "specialty": HEART,
        "text": "?",
        "to_organization_id": str(desk.hospital.organization.id),
        "colleague_id": str(desk.scene.clinician.id),
    }
    path = f"/v1/residents/{desk.scene.resident.id}/questions"
    refused = await desk.ask(desk.clinician, path, wrong, 422)
    assert refused["errors"][0]["pointer"] == "/body/colleague_id"
    assert (await desk.ask(desk.resident, path, wrong, 403))["code"] == "for_referrers"
    asked = await _ask(desk, colleague_id=str(desk.hospital.clinician.id))
    for who, action in ((desk.clinician, "answers"), (desk.clerk, "answers"), (desk.doctor, "follow-ups")):
        assert (await _do(desk, who, asked, action, "x", 403))["code"] == "not_your_part"


async def test_a_question_nobody_answers_climbs_to_the_desk(desk: Desk) -> None:
    dispatcher = await identity.staff(await identity.organization(desk.scene.place, "operator"), "dispatcher")
    asked = await _ask(desk, urgency="stat")
    desk.clock.advance(timedelta(minutes=30))
    for _ in range(4):
        assert await jobs.climb_questions() == 1
        desk.clock.advance(timedelta(minutes=10))
    watcher = await sign_in.sign_in(dispatcher, second_factor=True)
    shown = await desk.look(watcher, f"/v1/questions/{asked['id']}")
    assert (shown["step"], shown["specialty"], shown["resident_id"]) == (4, None, None)
    assert (await _do(desk, watcher, asked, "acknowledgement"))["acknowledged_at"]
    assert await jobs.climb_questions() == 0
    # Whoever says that they see to it is given one term more, not for ever.
    desk.clock.advance(timedelta(days=2))
    assert await jobs.climb_questions() == 1


async def test_with_the_residence_all_that_is_open_ends(desk: Desk) -> None:
    question = await _ask(desk)
    draft, referral = await desk.refer(is_draft=True), await desk.refer()
    await desk.act(desk.clerk, referral, "acceptance")
    await desk.act(desk.resident, referral, "appointment", desk.time())
    async with unit_of_work() as session:
        await end_care(session, desk.scene.resident.id)
    await settle(RELAY_JOBS)
    for one in (draft, referral):
        assert (await desk.show(desk.clinician, one))["state"] == "withdrawn"
    assert (await desk.look(desk.clinician, f"/v1/questions/{question['id']}"))["state"] == "closed"
