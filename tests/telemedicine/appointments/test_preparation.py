"""Before the visit: what the clinic asks is answered, read by people, and holds nobody up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.database import reading
from app.core.settings import MediaSettings, Settings, install_settings
from telemedicine.appointments.models import APPOINTMENTS
from tests.factories import media
from tests.factories import telemedicine_clinics as clinics
from tests.media.samples import photo
from tests.telemedicine.appointments.conftest import Desk, at

ASKED = [
    {"key": "since", "text": {"en": "Since when?", "zh-CN": "从什么时候开始？"}, "shows_emergency": False},
    {"key": "chest", "text": {"en": "Does your chest hurt?", "zh-CN": "胸口疼吗？"}, "shows_emergency": True},
]


async def test_answers_are_kept_sealed_and_shown_to_the_clinic(desk: Desk) -> None:
    before = {"en": "Eat nothing from midnight.", "zh-CN": "午夜后请勿进食。"}
    asking = await clinics.visit_type(desk.scene.clinic, checklist=ASKED, preparation=before)
    booked = await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=asking.id)
    path = f"/appointments/{booked['id']}/preparation"
    shown = await desk.get(path, desk.scene.resident)
    assert shown["preparation"] == before
    assert shown["checklist"] == ASKED
    assert shown["emergency"]["emergency_number"] == "120"
    assert shown["emergency"]["raise_alarm"] == "/v1/me/sos"
    said = {"answers": [{"key": "chest", "answer": "Yes, badly"}], "text": "Wisteria"}
    answered = await desk.act(desk.scene.resident, booked["id"], "preparation", said)
    assert answered["answers"] == said["answers"]
    # Nothing is made of an answer: it neither blocks nor raises anything.
    assert (await desk.get(f"/appointments/{booked['id']}", desk.scene.resident))["status"] == "booked"
    seen = await desk.get(path, desk.scene.clinician)
    assert (seen["text"], seen["emergency"]["raise_alarm"]) == (
        "Wisteria",
        f"/v1/residents/{desk.scene.grace.id}/alarms",
    )
    async with reading() as connection:
        assert "Wisteria" not in str(await connection.scalar(sa.select(APPOINTMENTS.c.answers)))


@pytest.fixture
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[None]:
    """Keep uploads in a directory of the test's own."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield
    install_settings(test_settings)


@pytest.mark.usefixtures("directory")
async def test_a_photo_is_the_clinics_to_see_and_only_ones_own_is_sent(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    path = f"/appointments/{booked['id']}/preparation"
    own, other = [await media.sent(desk.client, who, photo()) for who in (desk.scene.resident, desk.scene.clinician)]
    refused = await desk.post(path, desk.scene.resident, {"photo_ids": [other]})
    assert refused.status_code == 404
    await desk.act(desk.scene.resident, booked["id"], "preparation", {"photo_ids": [own]})
    assert [one["id"] for one in (await desk.get(path, desk.scene.clinician))["photos"]] == [own]


async def test_a_question_that_is_not_asked_is_told(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    answer = await desk.post(
        f"/appointments/{booked['id']}/preparation",
        desk.scene.resident,
        {"answers": [{"key": "mood", "answer": "fine"}]},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/answers/0/key"


async def test_a_clinic_writes_its_checklist(desk: Desk) -> None:
    body = {
        "name": clinics.NAME,
        "mode": "video",
        "duration": "PT20M",
        "price": {"amount": 5000, "currency": "CNY"},
        "checklist": ASKED,
        "notice_period": "P1D",
        "late_fee_amount": 2000,
    }
    answer = await desk.post(f"/clinics/{desk.scene.organization.id}/visit-types", desk.scene.keeper, body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["checklist"] == ASKED
    twice = body | {"checklist": [ASKED[0], ASKED[0]]}
    answer = await desk.post(f"/clinics/{desk.scene.organization.id}/visit-types", desk.scene.keeper, twice)
    assert answer.status_code == 422
