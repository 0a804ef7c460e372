"""Eldercare's door for visits: a resident's doses of a time, and recording one, with the actor's rights checked."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.problems import Forbidden, NotFound
from app.identity.models import Community, Resident
from eldercare import api
from eldercare.medication import notices
from notifications.templates.completeness import complaints
from notifications.templates.notices import notices as declared
from tests.factories import eldercare_medication as made
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def test_a_visit_finds_its_doses_and_records_them(resident: Resident, clock: ManualClock) -> None:
    daughter = await made.relative(resident)
    actor = made.actor_of(daughter)
    await made.regimen(resident, times=["08:30", "20:00"])
    async with reading() as connection:
        found = await api.doses_due(connection, actor, resident.id, DUE, DUE + timedelta(hours=1))
    assert [dose.due_at for dose in found] == [DUE]
    async with unit_of_work() as session:
        data = api.DoseRecord(status="taken", how="gave")
        taken = await api.record_dose(session, actor, resident.id, found[0].id, data)
    assert (taken.state, taken.how, taken.recorded_by) == ("taken", "gave", daughter.id)


async def test_the_door_checks_the_actor(place: Community, resident: Resident, clock: ManualClock) -> None:
    reader = made.actor_of(await made.relative(resident, scopes=["medication:read"]))
    lamps = made.actor_of(await made.relative(resident, name="Niece", scopes=["home:control"]))
    stranger = made.actor_of(await identity.account(place, name="Stranger"))
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    data = api.DoseRecord(status="taken", how="gave")
    for actor, refusal in ((lamps, Forbidden), (stranger, NotFound)):
        async with reading() as connection:
            with pytest.raises(refusal):
                await api.doses_due(connection, actor, resident.id, DUE, DUE + timedelta(hours=1))
    for actor, refusal in ((reader, Forbidden), (lamps, Forbidden), (stranger, NotFound)):
        async with unit_of_work() as session:
            with pytest.raises(refusal):
                await api.record_dose(session, actor, resident.id, dose.id, data)
    assert (await made.dose(dose.id)).state == "scheduled"


def test_every_notice_has_all_its_texts() -> None:
    ours = [notice for notice in declared().values() if notice.package == notices.__package__]
    assert len(ours) == 3
    assert [complaint for notice in ours for complaint in complaints(notice)] == []
