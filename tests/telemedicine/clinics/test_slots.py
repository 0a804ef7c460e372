"""Looking for a time: what is free of many at once, page by page, and what a wanted time turns out to be."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.core.wall_time import resolve
from app.reservations.api import register
from telemedicine.clinics import rules
from telemedicine.clinics.models import Practitioner, VisitType
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.service import slots
from telemedicine.clinics.views.calendars import SESSION
from telemedicine.clinics.views.offers import SlotQuery
from tests.asking import statements
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.clinics.conftest import Scene

SHANGHAI = ZoneInfo("Asia/Shanghai")
HALF_HOUR = timedelta(minutes=30)
TUESDAY = date(2026, 3, 3)


def at(text: str, day: date = TUESDAY) -> datetime:
    """Return the instant of a wall time in Shanghai."""
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=SHANGHAI).astimezone(UTC)


async def slots_of(client: httpx.AsyncClient, headers: Mapping[str, str], **query: Any) -> list[dict[str, Any]]:
    params: dict[str, Any] = {"limit": 100} | query
    answer = await client.get("/v1/slots", params=params, headers=dict(headers))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def shown(items: list[dict[str, Any]]) -> list[str]:
    """Return the starts of the list's first local day."""
    starts = [datetime.fromisoformat(item["starts_at"]).astimezone(SHANGHAI) for item in items]
    return [f"{start:%H:%M}" for start in starts if start.date() == starts[0].date()]


def query_of(scene: Scene, **values: Any) -> SlotQuery:
    return SlotQuery(community_id=scene.place.id, **values)


async def test_what_is_booked_or_held_is_not_shown_and_what_expired_is(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    calendar = scene.practitioner.calendar_id
    await clinics.booked(calendar, at("09:30"), at("10:00"))
    await clinics.booked(calendar, at("10:15"), at("10:20"), hold_until=clock.now() + timedelta(minutes=10))
    found = await slots_of(client, scene.resident, earliest=at("00:00").isoformat())
    assert shown(found) == ["09:00", "10:30", "11:00", "11:30"]
    clock.advance(timedelta(minutes=10))
    found = await slots_of(client, scene.resident, earliest=at("00:00").isoformat())
    assert shown(found) == ["09:00", "10:00", "10:30", "11:00", "11:30"]


async def test_a_slot_says_who_where_for_how_much_and_nothing_that_is_the_clinics(
    scene: Scene, client: httpx.AsyncClient
) -> None:
    place = await clinics.location(scene.clinic)
    surgeon = await clinics.practitioner(scene.clinic, specialties=["surgery"])
    await clinics.hours(surgeon, [2], "14:00", "15:00", location_id=place.id)
    in_person = await clinics.visit_type(scene.clinic, mode="in_person", specialty="surgery")
    first = (await slots_of(client, scene.resident, visit_type=in_person.id, earliest=at("00:00").isoformat()))[0]
    assert first["location"]["address"] == "2 Lake Road"
    assert first["visit_type"]["price"] == {"amount": 5000, "currency": "CNY"}
    assert first["visit_type"]["mode"] == "in_person"
    assert first["clinic"]["name"] == "Lake Clinic"
    assert set(first["practitioner"]) == {
        "id",
        "organization_id",
        "department_id",
        "name",
        "specialties",
        "languages",
        "sex",
        "photo",
    }


async def test_buffers_keep_visits_apart(scene: Scene, client: httpx.AsyncClient) -> None:
    apart = await clinics.visit_type(
        scene.clinic, buffer_before=timedelta(minutes=10), buffer_after=timedelta(minutes=5)
    )
    await clinics.booked(scene.practitioner.calendar_id, at("10:00"), at("10:25"))
    found = await slots_of(client, scene.resident, visit_type=apart.id, earliest=at("00:00").isoformat())
    # 09:30 ends with a buffer into 10:00; 10:30 needs ten minutes before it.
    assert shown(found) == ["09:00", "11:00", "11:30"]


async def test_lead_time_and_horizon_bound_what_others_book_and_not_the_clinic(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    clock.set(at("09:10"))
    bound = await clinics.visit_type(scene.clinic, lead_time=timedelta(hours=1), horizon=timedelta(hours=2))
    grace = await sign_in.sign_in_resident(scene.grace)
    found = await slots_of(client, grace, visit_type=bound.id)
    assert shown(found) == ["10:30", "11:00"]
    assert len(found) == 2
    found = await slots_of(client, await sign_in.sign_in(scene.doctor), visit_type=bound.id)
    assert shown(found) == ["09:30", "10:00", "10:30", "11:00", "11:30"]


async def test_what_only_the_clinic_books_is_shown_to_its_staff(scene: Scene, client: httpx.AsyncClient) -> None:
    inside = await clinics.visit_type(scene.clinic, bookable_by="clinic")
    assert await slots_of(client, scene.resident, visit_type=inside.id) == []
    assert await slots_of(client, scene.keeper, visit_type=inside.id) != []


async def test_nobody_is_found_in_another_community_or_without_a_licence(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    stranger = await sign_in.sign_in_resident(await identity.resident(await identity.community(name="Hillside")))
    assert await slots_of(client, stranger) == []
    expiring = await clinics.practitioner(scene.clinic, licence_valid_until=date(2026, 3, 4))
    await clinics.hours(expiring, [3, 4, 5], "09:00", "10:00")
    found = await slots_of(client, scene.resident, practitioner=expiring.id)
    assert {item["starts_at"][:10] for item in found} == {"2026-03-04"}


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"specialty": "cardiology"}, True),
        ({"specialty": "surgery"}, False),
        ({"language": "zh"}, True),
        ({"language": "fr"}, False),
        ({"sex": "female"}, True),
        ({"sex": "male"}, False),
        ({"mode": "video"}, True),
        ({"mode": "home"}, False),
        ({"near": "0,0"}, True),  # a video visit is near everywhere
    ],
)
async def test_a_search_is_narrowed(
    scene: Scene, client: httpx.AsyncClient, query: dict[str, str], is_found: bool
) -> None:
    assert bool(await slots_of(client, scene.resident, **query)) is is_found


async def test_visits_in_person_are_near(scene: Scene, client: httpx.AsyncClient) -> None:
    place = await clinics.location(scene.clinic, (31.23, 121.47))
    surgeon = await clinics.practitioner(scene.clinic, specialties=["surgery"])
    await clinics.hours(surgeon, [2], "14:00", "15:00", location_id=place.id)
    of = (await clinics.visit_type(scene.clinic, mode="in_person", specialty="surgery")).id
    near = await slots_of(client, scene.resident, visit_type=of, near="31.24,121.47", within=2000)
    assert 1000 < near[0]["location"]["distance"] < 1200
    assert await slots_of(client, scene.resident, visit_type=of, near="31.24,121.47", within=1000) == []


async def test_a_needed_room_and_interpreter_must_be_free(scene: Scene, client: httpx.AsyncClient) -> None:
    of = await clinics.visit_type(scene.clinic, needs=["room", "interpreter"])
    earliest = at("00:00").isoformat()
    assert await slots_of(client, scene.resident, visit_type=of.id) == []
    room = await clinics.resource(scene.clinic)
    voice = await clinics.resource(scene.clinic, "interpreter", languages=["fr"])
    await clinics.hours(voice, [2], "09:00", "11:00")
    found = await slots_of(client, scene.resident, visit_type=of.id, earliest=earliest)
    assert shown(found) == ["09:00", "09:30", "10:00", "10:30"]
    await clinics.booked(room.calendar_id, at("09:00"), at("10:00"))
    found = await slots_of(client, scene.resident, visit_type=of.id, earliest=earliest)
    assert shown(found) == ["10:00", "10:30"]
    # Whom the practitioner does not understand the interpreter does.
    assert await slots_of(client, scene.resident, visit_type=of.id, language="fr", earliest=earliest) != []
    assert await slots_of(client, scene.resident, visit_type=of.id, language="de", earliest=earliest) == []


async def test_who_works_at_two_clinics_is_booked_at_one(scene: Scene, client: httpx.AsyncClient) -> None:
    second = await clinics.clinic(scene.place)
    role = await clinics.practitioner(second, scene.doctor)
    await clinics.hours(role, [2], "09:00", "10:00")
    of = await clinics.visit_type(second)
    await clinics.booked(scene.practitioner.calendar_id, at("09:00"), at("09:30"))
    found = await slots_of(client, scene.resident, visit_type=of.id, earliest=at("00:00").isoformat())
    assert shown(found) == ["09:30"]


async def test_those_who_share_a_slot_are_not_in_each_others_way(scene: Scene, client: httpx.AsyncClient) -> None:
    group = await clinics.visit_type(scene.clinic, capacity=3)
    subject = rules.seats_id(scene.practitioner.id, group.id)
    session = rules.session_id(subject, at("09:30"))
    await clinics.booked(
        scene.practitioner.calendar_id, at("09:30"), at("10:00"), origin_kind=SESSION, origin_id=session
    )
    async with unit_of_work() as unit:
        seats = await register(unit, community_id=scene.place.id, kind=SESSION, subject_id=subject, lanes=3)
    query = query_of(scene, practitioner_id=scene.practitioner.id, visit_type_id=group.id)
    for left in (3, 2, 1):
        async with reading() as connection:
            offer = await slots.offered(connection, query, at("09:30"))
        assert (offer.places, offer.is_running, offer.session_id) == (left, True, session)
        await clinics.booked(seats, at("09:30"), at("10:00"))
    found = await slots_of(client, scene.resident, visit_type=group.id, earliest=at("00:00").isoformat())
    assert shown(found) == ["09:00", "10:00", "10:30", "11:00", "11:30"]
    # For a visit of another type the practitioner is taken.
    found = await slots_of(client, scene.resident, visit_type=scene.visit_type.id, earliest=at("00:00").isoformat())
    assert "09:30" not in shown(found)


async def clinics_at(scene: Scene, *places: tuple[float, float]) -> uuid.UUID:
    """Have surgeons at places, each for an hour on Tuesdays, the first one the latest; return what they do."""
    for number, place in enumerate(places):
        where = await clinics.location(scene.clinic, place)
        surgeon = await clinics.practitioner(scene.clinic, specialties=["surgery"])
        start = 15 - number
        await clinics.hours(surgeon, [2], f"{start}:00", f"{start + 1}:00", location_id=where.id)
    return (await clinics.visit_type(scene.clinic, mode="in_person", specialty="surgery", price_amount=7000)).id


@pytest.mark.parametrize(
    ("near", "within", "places", "expected"),
    [
        ("31.23,121.47", 500_000, [(31.23, 121.47), (31.24, 121.47), (31.3, 121.47)], [0, 1112, 7784]),
        # The 180th meridian is no edge, wherever one stands.
        ("-17,180", 20_000, [(-17, 179.95), (-17, -179.9), (-17, 0)], [5317, 10634]),
        ("-17,-179.99", 20_000, [(-17, 179.99)], [2127]),
        # All meridians meet at the poles.
        ("90,0", 5_000, [(89.99, 0), (89.98, 180), (89.97, -90)], [1112, 2224, 3336]),
        ("-89.99,10", 2_500, [(-89.99, -170)], [2224]),
        ("-90,180", 100, [(-90, -37)], [0]),
    ],
)
async def test_the_nearest_comes_first_and_says_where_it_is_and_what_it_costs(
    scene: Scene,
    client: httpx.AsyncClient,
    near: str,
    within: int,
    places: list[tuple[float, float]],
    expected: list[int],
) -> None:
    of = await clinics_at(scene, *places)
    asked = {"visit_type": of, "near": near, "within": within, "earliest": at("00:00").isoformat()}
    found = await slots_of(client, scene.resident, **asked, sort="nearest")
    distances = [item["location"]["distance"] for item in found]
    assert list(dict.fromkeys(distances)) == expected
    assert distances == sorted(distances)
    order = [(item["location"]["distance"], item["starts_at"]) for item in found]
    assert order == sorted(order)
    assert {item["visit_type"]["price"]["amount"] for item in found} == {7000}
    where = [(item["location"]["latitude"], item["location"]["longitude"]) for item in found]
    assert list(dict.fromkeys(where)) == places[: len(expected)]
    earliest = await slots_of(client, scene.resident, **asked)
    assert [item["starts_at"] for item in earliest] == sorted(item["starts_at"] for item in found)


async def test_pages_by_distance_hold_each_slot_once_and_calls_come_last(
    scene: Scene, client: httpx.AsyncClient
) -> None:
    await clinics_at(scene, (31.23, 121.47), (31.24, 121.47), (31.25, 121.47))
    asked: dict[str, Any] = {"near": "31.23,121.47", "sort": "nearest", "earliest": at("00:00").isoformat()}
    pages: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/v1/slots", params={"limit": 7} | asked | cursor, headers=scene.resident)
        pages += answer.json()["items"]
        if answer.json()["next"] is None or len(pages) > 70:
            break
        cursor = {"cursor": answer.json()["next"]}
    whole = await slots_of(client, scene.resident, **asked)
    assert pages[: len(whole)] == whole[: len(pages)]
    distances = [item["location"]["distance"] if item["location"] else None for item in pages]
    assert list(dict.fromkeys(distances)) == [0, 1112, 2224, None]
    assert {item["visit_type"]["mode"] for item in pages if item["location"] is None} == {"video"}
    other = await client.get("/v1/slots", params=cursor | {"sort": "earliest"}, headers=scene.resident)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


async def test_a_wanted_time_is_a_slot_or_the_refusal_says_what_is_near(scene: Scene, clock: ManualClock) -> None:
    query = query_of(scene, practitioner_id=scene.practitioner.id, visit_type_id=scene.visit_type.id)
    await clinics.booked(scene.practitioner.calendar_id, at("10:00"), at("10:30"))
    async with reading() as connection:
        offer = await slots.offered(connection, query, at("09:30"))
        assert (offer.calendar_id, offer.ends_at) == (scene.practitioner.calendar_id, at("10:00"))
        with pytest.raises(NotOffered) as taken:
            await slots.offered(connection, query, at("10:00"))
        with pytest.raises(NotOffered) as never:
            await slots.offered(connection, query, at("09:40"))
        nobody = query_of(scene, practitioner_id=uuid.UUID(int=9), visit_type_id=scene.visit_type.id)
        with pytest.raises(NotFound):
            await slots.offered(connection, nobody, at("10:00"))
    assert taken.value.extensions["reason"] == "taken"
    assert [datetime.fromisoformat(one["starts_at"]) for one in taken.value.extensions["alternatives"]] == [
        at("09:30"),
        at("10:30"),
        at("09:00"),
    ]
    assert never.value.extensions["reason"] == "not_a_slot"


async def test_somebody_else_is_named_where_the_wanted_one_has_too_little(scene: Scene) -> None:
    other = await clinics.practitioner(scene.clinic, name="Dr Wu")
    await clinics.hours(other, [2], "09:00", "10:00")
    last = await clinics.practitioner(scene.clinic, name="Dr He")
    await clinics.hours(last, [2], "10:00", "10:30")
    query = query_of(scene, practitioner_id=last.id, visit_type_id=scene.visit_type.id)
    async with reading() as connection:
        found = await slots.nearest(connection, query, at("09:00"))
    assert found[0].practitioner.id == last.id
    assert {one.starts_at for one in found[1:]} == {at("09:00")}


async def test_bad_questions_are_refused_with_a_pointer(scene: Scene, client: httpx.AsyncClient) -> None:
    for query, pointer in {
        "near=north": "/query/near",
        "near=91,0": "/query/near",
        "near=0,181": "/query/near",
        "sort=nearest": "/query/sort",
        "sort=cheapest": "/query/sort",
        "near=0,0&within=99": "/query/within",
        "mode=telepathy": "/query/mode",
        "earliest=tomorrow": "/query/earliest",
        "language=klingon!": "/query/language",
        "cursor=x": "/query/cursor",
        "visit_type=1": "/query/visit_type",
    }.items():
        answer = await client.get(f"/v1/slots?{query}", headers=scene.resident)
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["pointer"] == pointer


async def _statements_for(query: SlotQuery) -> int:
    """Return how many statements it takes to find one slot."""
    async with reading() as connection, statements(connection) as seen:
        found = await slots.search(connection, query, None, PageRequest(1, None))
    assert any("telemedicine_visit_type" in query for query in seen)
    assert len(found.items) == 1
    return len(seen)


async def test_days_without_anybody_and_more_practitioners_cost_no_statement(scene: Scene) -> None:
    late = await clinics.practitioner(scene.clinic, specialties=["late"])
    await clinics.hours(late, [2], "09:00", "12:00", valid_from=TUESDAY + timedelta(days=21))
    soon = await _statements_for(query_of(scene, practitioner_id=scene.practitioner.id))
    assert await _statements_for(query_of(scene, practitioner_id=late.id)) == soon
    for _ in range(10):
        await clinics.hours(await clinics.practitioner(scene.clinic), [2], "09:00", "12:00")
    assert await _statements_for(query_of(scene)) == soon


async def test_full_weeks_are_passed_by(scene: Scene, clock: ManualClock) -> None:
    for day in range(21):
        await clinics.booked(
            scene.practitioner.calendar_id,
            at("09:00", TUESDAY + timedelta(days=day)),
            at("12:00", TUESDAY + timedelta(days=day)) - (HALF_HOUR if day == 20 else timedelta()),
        )
    query = query_of(scene, practitioner_id=scene.practitioner.id)
    async with reading() as connection:
        found = await slots.search(connection, query, at("08:00"), PageRequest(2, None))
    assert [one.starts_at for one in found.items] == [
        at("11:30", TUESDAY + timedelta(days=20)),
        at("09:00", TUESDAY + timedelta(days=21)),
    ]


async def test_a_search_finds_what_a_slow_one_would(scene: Scene, clock: ManualClock) -> None:
    """Against a model that tries every quarter of an hour of a month, for practitioners made up at random."""
    dice = Random(7)
    clock.set(datetime(2026, 3, 20, tzinfo=UTC))
    clinic = await clinics.clinic(scene.place, time_zone="Europe/Berlin")
    types = [
        await clinics.visit_type(
            clinic,
            duration=timedelta(minutes=dice.choice([15, 30, 45])),
            step=timedelta(minutes=dice.choice([15, 30])),
            buffer_before=timedelta(minutes=dice.choice([0, 15])),
            buffer_after=timedelta(minutes=dice.choice([0, 15])),
            lead_time=timedelta(hours=dice.choice([0, 30])),
            horizon=timedelta(days=14),
        )
        for _ in range(3)
    ]
    people = [await _made_up(clinic, types, dice) for _ in range(4)]
    expected = [slot for person in people for of in types for slot in _slow(person, of, clock.now())]
    assert len(expected) > 100
    found: list[tuple[datetime, uuid.UUID, uuid.UUID]] = []
    cursor = None
    query = SlotQuery(community_id=scene.place.id, works_for=())
    async with reading() as connection:
        while True:
            page = await slots.search(connection, query, None, PageRequest(17, cursor))
            found += [
                (one.starts_at, one.practitioner.id, one.visit_type.id)
                for one in page.items
                if one.clinic.organization_id == clinic.organization_id
            ]
            cursor = page.next
            if cursor is None:
                break
    assert found == sorted(expected)


Made = tuple[Practitioner, list[tuple[int, int, int, frozenset[uuid.UUID]]], list[rules.Span]]


async def _made_up(clinic: Any, types: list[VisitType], dice: Random) -> Made:
    """Insert a practitioner with hours on some days, nights of moving clocks among them, and some bookings."""
    person = await clinics.practitioner(clinic)
    said = []
    for weekday in dice.sample(range(1, 8), 3):
        start = dice.randrange(0, 22 * 4) * 15
        end = min(start + dice.randrange(1, 40) * 15, rules.LATEST_MINUTE)
        chosen = (
            frozenset(one.id for one in dice.sample(types, dice.choice([1, 2]))) if dice.random() < 0.5 else frozenset()
        )
        said.append((weekday, start, end, chosen))
        texts = (f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}")
        await clinics.hours(person, [weekday], *texts, visit_type_ids=list(chosen))
    taken: list[rules.Span] = []
    for _ in range(30):
        start_at = clocks.now() + timedelta(minutes=15 * dice.randrange(0, 14 * 96))
        span = (start_at, start_at + timedelta(minutes=15 * dice.randrange(1, 5)))
        if not any(a < span[1] and span[0] < b for a, b in taken):
            taken.append(span)
            await clinics.booked(person.calendar_id, *span)
    return person, said, taken


def _slow(made: Made, of: VisitType, now: datetime) -> set[tuple[datetime, uuid.UUID, uuid.UUID]]:
    person, said, taken = made
    found = set()
    for offset in range(-3, 20):
        day = now.date() + timedelta(days=offset)
        for weekday, start, end, chosen in said:
            if weekday != day.isoweekday() or (chosen and of.id not in chosen):
                continue
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - on the wall
            walls = [midnight + timedelta(minutes=minute) for minute in range(start, end, int(of.step.seconds / 60))]
            until = _berlin(midnight + timedelta(minutes=end))
            for wall in walls:
                begin = _berlin(wall)
                over = begin + of.duration
                blocked = (begin - of.buffer_before, over + of.buffer_after)
                fits = _berlin(midnight + timedelta(minutes=start)) <= begin and over <= until
                is_free = not any(a < blocked[1] and blocked[0] < b for a, b in taken)
                if fits and is_free and now + of.lead_time <= begin <= now + of.horizon:
                    found.add((begin, person.id, of.id))
    return found


def _berlin(wall: datetime) -> datetime:
    return resolve(wall.date(), wall.time(), "Europe/Berlin")
