"""What the other packages read of health records and prescriptions: with the reader's rights, and a trace."""

import pytest

from app.core.database import reading
from app.core.paging import PageRequest
from app.core.problems import Forbidden, NotFound
from telemedicine import api
from tests.factories import identity
from tests.factories import telemedicine as scenes
from tests.factories import telemedicine_prescriptions as prescriptions
from tests.factories import telemedicine_records as given
from tests.telemedicine.records.conftest import Desk

PAGE = PageRequest(20, None)


async def test_who_may_read_by_id_or_by_page_and_is_seen_to(desk: Desk) -> None:
    scene = desk.scene
    made = await desk.entered(desk.clinician, given.CONDITION)
    await desk.correct(desk.clinician, made["id"], given.CONDITION | {"severity": "mild"})
    signed = await prescriptions.prescription(scene.resident, scene.clinic, scene.clinician)
    reader = scenes.clinician_of(scene.clinic, scene.clinician)
    async with reading() as connection:
        query = api.HealthRecordQuery(
            kind="condition", codes=[api.Coding(system="http://hl7.org/fhir/sid/icd-10", code="I10")]
        )
        (found,) = (await api.health_records_page(connection, reader, scene.resident.id, query, PAGE)).items
        assert (str(found.id), found.version) == (made["id"], 2)
        assert await api.read_health_record(connection, reader, found.id) == found
        history = await api.health_record_versions_page(connection, reader, found.id, PAGE)
        assert [version.version for version in history.items] == [2, 1]
        (prescribed,) = (await api.prescriptions_page(connection, reader, scene.resident.id, PAGE)).items
        assert await api.read_prescription(connection, reader, signed.id) == prescribed
    told = (await desk.client.get("/v1/me/data-accesses", headers=desk.resident)).json()["items"]
    assert [item["action"] for item in told][:5] == [
        "prescription:read",
        "prescriptions:list",
        "health_record:read",
        "health_record:read",
        "health_records:list",
    ]

    stranger = given.resident_of(await identity.resident(scene.place, name="Walter"))
    coordinator = await identity.staff(scene.clinic, "coordinator")
    other = scenes.clinician_of(await identity.organization(scene.place, "clinic"), coordinator)
    async with reading() as connection:
        for who in (stranger, other):
            with pytest.raises((NotFound, Forbidden)):
                await api.read_health_record(connection, who, found.id)
            with pytest.raises((NotFound, Forbidden)):
                await api.read_prescription(connection, who, signed.id)
        with pytest.raises(NotFound):
            await api.read_health_record(connection, reader, signed.id)
