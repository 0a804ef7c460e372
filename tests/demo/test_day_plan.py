"""The picture of a day in the guide is what the planner makes of the demo's people: orders and care visits in one plan.

``python -m tests.demo.test_day_plan`` draws it anew.
"""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from app.demo import behaviour, home_services, people
from app.dispatch.api import Break, Job, Place, Shift, Worker, drawn, plan

PICTURE: Final = Path(__file__).parents[2] / "docs/images/day-plan.svg"
_MORNING: Final = datetime(2026, 3, 3, 8, tzinfo=UTC)
_HOMES: Final = 26
_EVERY_FOURTH: Final = 4
_VISIT: Final = timedelta(minutes=30)


def _id(*of: object) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, ":".join(str(part) for part in of))


def _jobs() -> list[Job]:
    codes = list(home_services.SERVICES)
    jobs = []
    for resident in people.neighbours(behaviour.SEED, _HOMES)[0]:
        number, home = resident.number, resident.create["household"]
        code = codes[number % len(codes)]
        service = home_services.SERVICES[code]
        is_visit = number % _EVERY_FOURTH == 1
        minutes = int(service["expected_duration"].removeprefix("PT").removesuffix("M"))
        wanted = _MORNING + timedelta(minutes=30 * behaviour.chance("picture", number).randint(1, 13))
        jobs.append(
            Job(
                id=_id("home", number),
                starts_from=wanted - timedelta(hours=1),
                starts_until=wanted + timedelta(hours=1),
                duration=_VISIT if is_visit else timedelta(minutes=minutes),
                wanted_at=wanted,
                place=Place(home["latitude"], home["longitude"]),
                skills=frozenset(["bathing"] if is_visit else service["skills"]),
                is_critical=is_visit,
            )
        )
    return jobs


def _workers() -> tuple[list[Worker], dict[uuid.UUID, str]]:
    workers, names = [], {}
    noon = _MORNING + timedelta(hours=4)
    for number, (*_, skills, _days) in enumerate(home_services.PEOPLE):
        known = home_services.profile(number)
        start = Place(known["latitude"], known["longitude"])
        pause = Break(noon, noon + timedelta(hours=1), timedelta(minutes=45))
        shift = Shift(_MORNING, _MORNING + timedelta(hours=9), (pause,))
        workers.append(Worker(_id("worker", number), (shift,), frozenset(skills.split()), start=start, end=start))
        names[workers[-1].id] = known["display_name"]
    return workers, names


def picture() -> str:
    """Return the drawing of the day."""
    jobs, (workers, names) = _jobs(), _workers()
    return drawn(plan(jobs, workers), jobs, workers, names, nobody="nobody free")


def test_the_picture_in_the_guide_is_the_planner_s() -> None:
    assert PICTURE.read_text() == picture()


if __name__ == "__main__":
    PICTURE.write_text(picture())
