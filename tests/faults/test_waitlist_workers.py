"""Several workers look after one waitlist, and one of them dies: one is asked at a time, in order, and nobody twice."""

from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.database import unit_of_work
from tests.factories import identity
from tests.factories import telemedicine_appointments as appointments
from tests.factories import telemedicine_clinics as clinics
from tests.faults.processes import House, looking, until

WAITING = 9
FREE = 6
_ASKED = "SELECT count(*) >= $1 FROM telemedicine_appointment WHERE status = 'proposed'"
_LOOKED = "SELECT waitlist_look_at IS NULL FROM telemedicine_clinic"
_OFFERS = """
SELECT a.waitlist_entry_id, a.starts_at FROM telemedicine_appointment a
WHERE a.status = 'proposed' ORDER BY a.created_at, a.id"""


def zone_of_noon() -> str:
    """Return a zone in which it is about noon: nobody is asked at night, and the processes' clock is the machine's."""
    return f"Etc/GMT{clock.now().astimezone(UTC).hour - 12:+}"


async def test_one_is_asked_at_a_time_in_order_and_nobody_twice(home: House) -> None:
    place = await identity.community()
    clinic = await clinics.clinic(place, time_zone=zone_of_noon())
    doctor = await clinics.practitioner(clinic)
    visit_type = await clinics.visit_type(clinic)
    day = (clock.now() + timedelta(days=3)).date()
    starts = datetime.combine(day, time(9))
    await clinics.exception(doctor, "extra", starts, starts + FREE * visit_type.duration)
    queue = [
        await appointments.waitlist_entry(await identity.resident(place, name=f"Waiting {number}"), visit_type)
        for number in range(WAITING)
    ]
    async with looking(home.url) as look:
        workers = [await home.worker() for _ in range(3)]
        async with unit_of_work() as session:
            await session.execute(
                sa.text("UPDATE telemedicine_clinic SET waitlist_look_at = :now"), {"now": clock.now()}
            )
        await until(look, _ASKED, 2)
        await workers[0].kill()
        await until(look, _ASKED, FREE)
        await until(look, _LOOKED)
        assert [await worker.stop() for worker in workers[1:]] == [0, 0]
        offers = await look.fetch(_OFFERS)
        # Whoever has waited longest has the earliest time.
        assert [offer["waitlist_entry_id"] for offer in offers] == queue[:FREE]
        times = [offer["starts_at"] for offer in offers]
        assert times == [times[0] + number * visit_type.duration for number in range(FREE)]
        asked = await look.fetchrow(
            """SELECT count(*), count(DISTINCT account_id) FROM notifications_dedupe
               WHERE dedupe_key LIKE 'appointment:%:offered'"""
        )
        assert tuple(asked) == (FREE, FREE)
