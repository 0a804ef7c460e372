"""What is measured is the clinic as it is: the benchmarks' made-up rows and statements keep up with the tables."""

from app.core.clock import ManualClock
from app.core.database import Database
from benchmarks import bare_clinic, clinics, place


async def test_the_clinic_that_is_measured_fits_the_tables(database: Database, clock: ManualClock) -> None:
    url = database.url.render_as_string(hide_password=False)
    counts = {"count": 20, "practitioners": 2, "each": 3}
    await place.execute(url, *clinics.PEOPLE, *clinics.PAST, now=clock.now(), **counts)
    assert bare_clinic.app.routes  # made of the statements that Hearthline runs
