"""Made-up days in a city: care visits and home services, people with hours, skills and ways to get around.

A third of the jobs are home services with an arrival window of two hours, the others care visits within half an hour of
their time. Care comes in waves in the morning, at noon and in the evening, and most of it goes to homes that have it twice
or more a day.
"""

import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from app.dispatch.api import Break, Job, Place, Shift, Speed, Worker

DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
CENTRE: Final = Place(31.2304, 121.4737)
_SKILLS: Final = ("injection", "lifting", "dementia", "cleaning")
_SPEEDS: Final = (Speed(kilometres_per_hour=12), Speed(), Speed(), Speed(kilometres_per_hour=26))
_WAVES: Final = ((450, 690), (690, 900), (930, 1170))
_SHIFTS: Final = ((420, 900), (420, 900), (480, 960), (720, 1200), (720, 1200))


def day(seed: int, jobs: int, workers: int) -> tuple[list[Job], list[Worker]]:
    """Return what is to be done on a day and who is there for it; the same for the same seed."""
    chance = Random(seed)
    people = [_worker(chance, number) for number in range(workers)]
    quarters = [_near(chance, CENTRE, 0.03) for _ in range(12)]
    homes = [_near(chance, chance.choice(quarters), 0.008) for _ in range(jobs * 2 // 3)]
    wanted = [_job(chance, number, chance.choice(homes), people) for number in range(jobs)]
    return wanted, people


def _near(chance: Random, place: Place, spread: float) -> Place:
    return Place(
        round(place.latitude + chance.gauss(0, spread), 5), round(place.longitude + chance.gauss(0, spread), 5)
    )


def _worker(chance: Random, number: int) -> Worker:
    since, until = _SHIFTS[number % len(_SHIFTS)]
    pause = Break(DAY + (since + 150) * MINUTE, DAY + (until - 180) * MINUTE, 30 * MINUTE)
    home = _near(chance, CENTRE, 0.03)
    return Worker(
        id=uuid.UUID(int=chance.getrandbits(128)),
        shifts=(Shift(DAY + since * MINUTE, DAY + until * MINUTE, (pause,)),),
        skills=frozenset(skill for skill in _SKILLS if chance.random() < 0.85),
        start=home,
        end=home if number % 4 == 0 else None,
        most_work=390 * MINUTE,
        speed=_SPEEDS[number // len(_SHIFTS) % len(_SPEEDS)],
        languages=frozenset({"zh"} | ({"en"} if chance.random() < 0.3 else set())),
    )


def _job(chance: Random, number: int, home: Place, people: list[Worker]) -> Job:
    is_service = number % 3 == 0
    if is_service:
        wanted, slack, duration = chance.randrange(510, 1110, 15), 60, chance.choice((30, 45, 60, 60))
    else:
        wanted, slack, duration = chance.randrange(*chance.choice(_WAVES), 5), 30, chance.choice((15, 20, 30))
    is_critical = not is_service and chance.random() < 0.08
    slack = 15 if is_critical else slack
    skill = "cleaning" if is_service else chance.choice(("injection", "lifting", "dementia", "", ""))
    return Job(
        id=uuid.UUID(int=chance.getrandbits(128)),
        starts_from=DAY + (wanted - slack) * MINUTE,
        starts_until=DAY + (wanted + slack) * MINUTE,
        wanted_at=DAY + wanted * MINUTE,
        duration=duration * MINUTE,
        place=home,
        skills=frozenset({skill} - {""}),
        workers=2 if skill == "lifting" and chance.random() < 0.2 else 1,
        is_critical=is_critical,
        preferred=tuple(one.id for one in chance.sample(people, 2)) if chance.random() < 0.3 else (),
        languages=frozenset({"en"}) if chance.random() < 0.05 else frozenset(),
    )
