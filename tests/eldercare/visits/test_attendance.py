"""Being there: a carer's day from the route to the last tick, and what proves it."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.settings import MediaSettings, Settings, install_settings
from eldercare.visits.access import require_own_visit
from eldercare.visits.schemas.work import DepartureGive
from eldercare.visits.service import attendance
from tests.eldercare.visits.conftest import HOME, PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity, media
from tests.media.samples import photo

BY_HAND = {"how": "manual", "reason": "The tag is broken"}
AT_HOME = {"how": "gps", "latitude": HOME[0], "longitude": HOME[1], "accuracy": 12}


async def assigned(scene: Scene, **changes: object) -> sa.Row[Any]:
    """Let the first visit of what recurs be the carer's."""
    await made.template(scene.plan, **changes)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    return await made.visit(first.id)


async def test_a_visit_from_the_route_to_the_end(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await assigned(scene)
    _, code = await made.door_tag(scene.resident)
    cai, grace = await phone_of(scene.carer), await phone_of(scene.resident)
    (stop,) = (await cai("GET", "/me/visits?date=2026-03-02"))["items"]
    assert (stop["name"], stop["address"], stop["state"], stop["own_state"]) == (
        "Grace",
        "1 Lake Road",
        "assigned",
        "assigned",
    )
    assert (stop["latitude"], stop["handover"], stop["travel"]) == (HOME[0], None, None)
    tasks = [task["id"] for task in stop["tasks"]]
    assert len(tasks) == 2

    assert (await cai("POST", f"/visits/{visit.id}/en-route"))["state"] == "en_route"
    await cai("POST", f"/visits/{visit.id}/en-route")  # said twice it changes nothing
    clock.set(visit.starts_at + timedelta(minutes=2))
    url = f"/visits/{visit.id}"
    arrived = await cai("POST", f"{url}/arrival", {"proof": {"how": "tag", "code": code}})
    assert (arrived["state"], arrived["carers"][0]["arrival_how"]) == ("in_progress", "tag")
    assert (await grace("GET", f"/me/care-visits/{visit.id}"))["carers"][0]["name"] == "Cai"
    await cai("POST", f"{url}/ticks", {"task_id": tasks[0]})
    await cai("POST", f"{url}/ticks", {"task_id": tasks[1], "is_done": False}, expect=422)
    ticked = await cai("POST", f"{url}/ticks", {"task_id": tasks[1], "is_done": False, "reason": "Not hungry"})
    assert [(task["is_done"], task["reason"]) for task in ticked["tasks"]] == [(True, None), (False, "Not hungry")]
    await cai("POST", f"{url}/notes", {"text": "Slept badly"}, expect=201)
    await cai("POST", f"{url}/notes", {"kind": "handover", "text": "Please buy milk"}, expect=201)
    clock.advance(timedelta(minutes=25))
    left = await cai("POST", f"{url}/departure", {"proof": AT_HOME})
    assert (left["state"], left["carers"][0]["state"], left["carers"][0]["departure_how"]) == (
        "completed",
        "left",
        "gps",
    )
    assert [note["kind"] for note in left["notes"]] == ["note", "handover"]
    assert await made.visit(visit.id) is not None
    row = await made.visit(visit.id)
    assert (row.late_at, row.miss_at, row.overdue_at) == (None, None, None)


async def test_a_route_is_in_order_of_time_with_the_way_between(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    """The ways are 1,000 m and nothing: × 1.3 at 20 km/h, in whole minutes, and three minutes at the door."""
    hour = timedelta(hours=1)
    north = await identity.household(scene.community, place=(HOME[0] + 1_000 / 111_195, HOME[1]))
    walter = await identity.resident(scene.community, name="Walter", phone="+8613800000009", home=north)
    lost = await identity.resident(scene.community, name="Rosa", phone="+8613800000010")
    for resident, hours in ((lost, 5), (walter, 2), (scene.resident, 1), (walter, 3)):
        plan = await made.care_plan(resident, scene.agency)
        visit = await made.single(plan, clock.now() + hours * hour, account_id=resident.account_id)
        await made.assign(visit.id, scene.carer)

    cai = await phone_of(scene.carer)
    route = (await cai("GET", "/me/visits?date=2026-03-02"))["items"]

    assert [(stop["name"], stop["travel"]) for stop in route] == [
        ("Grace", None),
        ("Walter", "PT7M"),
        ("Walter", "PT0S"),
        ("Rosa", None),  # nobody knows where she lives
    ]
    dana = await phone_of(scene.other_carer)
    assert (await dana("GET", "/me/visits?date=2026-03-02"))["items"] == []


async def test_whoever_comes_next_reads_what_was_left_to_be_known(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene)
    second = (await made.visits(scene.resident))[1]
    await made.assign(second.id, scene.other_carer)
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    clock.set(visit.starts_at)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    for text in ("Please buy milk", "Milk is there; buy bread"):
        await cai("POST", f"/visits/{visit.id}/notes", {"kind": "handover", "text": text}, expect=201)
    (stop,) = (await dana("GET", "/me/visits?date=2026-03-03"))["items"]
    assert stop["handover"]["text"] == "Milk is there; buy bread"
    async with reading() as connection:
        kept = await connection.scalar(sa.text("SELECT string_agg(text, ' ') FROM eldercare_visit_note"))
    assert "milk" not in str(kept).lower()  # sealed


async def test_what_does_not_prove_presence_is_refused_and_says_why(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene)
    neighbour = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    _, elsewhere = await made.door_tag(neighbour, code="the-code-at-another-door")
    tag, code = await made.door_tag(scene.resident)
    cai, nora = await phone_of(scene.carer), await phone_of(scene.coordinator)
    clock.set(visit.starts_at)
    url = f"/visits/{visit.id}/arrival"
    for proof, doubt in (
        ({"how": "tag", "code": elsewhere}, "unknown_tag"),
        ({"how": "qr", "code": code}, "unknown_tag"),  # it is a tag, not a printed code
        (AT_HOME | {"latitude": HOME[0] + 0.01}, "elsewhere"),
        (AT_HOME | {"accuracy": 500}, "inaccurate"),
    ):
        refused = await cai("POST", url, {"proof": proof}, expect=409)
        assert (refused["code"], refused["doubt"]) == ("presence_not_proven", doubt)
    await cai("POST", url, {"proof": {"how": "manual"}}, expect=422)  # by hand needs a reason
    await nora("DELETE", f"/residents/{scene.resident.id}/door-tags/{tag}", expect=204)
    await nora("DELETE", f"/residents/{scene.resident.id}/door-tags/{tag}", expect=409)
    refused = await cai("POST", url, {"proof": {"how": "tag", "code": code}}, expect=409)
    assert refused["doubt"] == "unknown_tag"
    fresh = await nora("POST", f"/residents/{scene.resident.id}/door-tags", {"kind": "qr"}, expect=201)
    listed = await nora("GET", f"/residents/{scene.resident.id}/door-tags")
    assert [one["revoked_at"] is None for one in listed["items"]] == [True, False]
    assert fresh["code"] not in str(listed)
    arrived = await cai("POST", url, {"proof": {"how": "qr", "code": fresh["code"]}})
    assert arrived["carers"][0]["arrival_how"] == "qr"


async def test_a_home_off_the_map_needs_another_proof(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    lost = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    plan = await made.care_plan(lost, scene.agency)
    visit = await made.single(plan, clock.now() + timedelta(hours=1), account_id=lost.account_id)
    await made.assign(visit.id, scene.carer)
    cai = await phone_of(scene.carer)
    refused = await cai("POST", f"/visits/{visit.id}/arrival", {"proof": AT_HOME}, expect=409)
    assert refused["doubt"] == "unknown_home"
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})


async def test_tasks_are_done_or_explained_before_the_last_one_leaves(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene)
    cai = await phone_of(scene.carer)
    clock.set(visit.starts_at)
    url = f"/visits/{visit.id}"
    arrived = await cai("POST", f"{url}/arrival", {"proof": BY_HAND})
    await cai("POST", f"{url}/ticks", {"task_id": arrived["tasks"][0]["id"]})
    await cai("POST", f"{url}/ticks", {"task_id": str(visit.id)}, expect=409)
    refused = await cai("POST", f"{url}/departure", {"proof": BY_HAND}, expect=409)
    assert (refused["code"], refused["task_ids"]) == ("tasks_open", [arrived["tasks"][1]["id"]])
    left = await cai("POST", f"{url}/departure", {"proof": BY_HAND, "unfinished_reason": "She was asleep"})
    assert [(task["is_done"], task["reason"]) for task in left["tasks"]] == [(True, None), (False, "She was asleep")]
    await cai("POST", f"{url}/departure", {"proof": BY_HAND})  # said twice it changes nothing
    await cai("POST", f"{url}/ticks", {"task_id": arrived["tasks"][0]["id"]}, expect=409)
    refused = await cai("POST", f"{url}/arrival", {"proof": BY_HAND}, expect=409)
    assert refused["code"] == "not_there"


async def test_what_is_said_twice_counts_once_and_the_last_word_of_a_task_stands(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene)
    cai = await phone_of(scene.carer)
    clock.set(visit.starts_at)
    url = f"/visits/{visit.id}"
    arrived = await cai("POST", f"{url}/arrival", {"proof": BY_HAND})
    clock.advance(timedelta(minutes=5))
    again = await cai("POST", f"{url}/arrival", {"proof": AT_HOME | {"accuracy": 500}})  # whatever is said with it
    assert again["carers"] == arrived["carers"]
    first, _ = (task["id"] for task in arrived["tasks"])
    tick = {"task_id": first}
    await cai("POST", f"{url}/ticks", tick)
    seen = await cai("POST", f"{url}/ticks", tick)
    assert seen["tasks"][0]["is_done"]
    changed = await cai("POST", f"{url}/ticks", tick | {"is_done": False, "reason": "She would not"})
    assert (changed["tasks"][0]["is_done"], changed["tasks"][0]["reason"]) == (False, "She would not")
    await asyncio.gather(*(cai("POST", f"{url}/ticks", tick) for _ in range(5)))
    async with reading() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM eldercare_visit_tick")) == 1


@pytest.mark.parametrize("accuracy", [-1, 100.5, 5000, "far"])
async def test_a_position_that_may_be_anywhere_proves_nothing(
    accuracy: Any, scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene)
    cai = await phone_of(scene.carer)
    clock.set(visit.starts_at)
    headers = await cai.headers()
    for step in ("arrival", "departure"):
        body = {"proof": AT_HOME | {"accuracy": accuracy}}
        answer = await cai.client.post(f"/v1/visits/{visit.id}/{step}", json=body, headers=headers)
        assert answer.status_code in (409, 422), answer.text
    assert (await made.visit(visit.id)).state == "assigned"


async def test_times_of_an_app_without_a_network_are_believed_within_reason(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene)
    cai = await phone_of(scene.carer)
    url = f"/visits/{visit.id}"
    clock.set(visit.starts_at - timedelta(minutes=59))
    await cai("POST", f"{url}/departure", {"proof": BY_HAND}, expect=409)  # not there yet
    clock.set(visit.starts_at + timedelta(minutes=40))
    for minutes, status in ((50, 409), (-181, 409), (3, 200)):
        at = (visit.starts_at + timedelta(minutes=minutes)).isoformat()
        await cai("POST", f"{url}/arrival", {"proof": BY_HAND, "occurred_at": at}, expect=status)
    (carer,) = await made.carers(visit.id)
    assert carer.arrived_at == visit.starts_at + timedelta(minutes=3)
    before = (visit.starts_at + timedelta(minutes=1)).isoformat()
    early = {"proof": BY_HAND, "occurred_at": before, "unfinished_reason": "x"}
    assert (await cai("POST", f"{url}/departure", early, expect=409))["code"] == "wrong_time"


async def test_two_carers_each_come_and_go_and_the_last_one_ends_it(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await assigned(scene, carers=2)
    await made.assign(visit.id, scene.other_carer)
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    (stop,) = (await cai("GET", "/me/visits?date=2026-03-02"))["items"]
    assert stop["together_with"] == ["Dana"]
    clock.set(visit.starts_at)
    url = f"/visits/{visit.id}"
    await cai("POST", f"{url}/arrival", {"proof": BY_HAND})
    await dana("POST", f"{url}/arrival", {"proof": BY_HAND})
    assert (await cai("POST", f"{url}/departure", {"proof": BY_HAND}))["state"] == "in_progress"
    done = await dana("POST", f"{url}/departure", {"proof": BY_HAND, "unfinished_reason": "Asleep"})
    assert done["state"] == "completed"


async def test_only_whoever_makes_a_visit_works_at_it(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await assigned(scene)
    elsewhere = await identity.organization(scene.community, "care_agency", name="Elsewhere")
    stranger = await identity.staff(elsewhere, "carer", name="Sam", phone="+8613800000019")
    clock.set(visit.starts_at)
    body = {"proof": BY_HAND}
    for person, status in ((scene.other_carer, 403), (scene.coordinator, 403), (stranger, 404), (scene.resident, 403)):
        phone = await phone_of(person)
        await phone("POST", f"/visits/{visit.id}/arrival", body, expect=status)
    assert (await made.visit(visit.id)).state == "assigned"


@pytest.fixture
def directory(tmp_path: Any, test_settings: Settings) -> Any:
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield tmp_path
    install_settings(test_settings)


async def test_a_photo_belongs_to_the_visit_and_is_the_residents(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, directory: object, client: httpx.AsyncClient
) -> None:
    visit = await assigned(scene)
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    clock.set(visit.starts_at)
    mine, theirs = [await media.sent(client, await phone.headers(), photo()) for phone in (cai, dana)]
    url = f"/visits/{visit.id}/photos"
    await cai("POST", url, {"upload_id": mine}, expect=409)  # nobody is there yet
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    await cai("POST", url, {"upload_id": theirs}, expect=404)
    await cai("POST", url, {"upload_id": mine}, expect=201)
    # What hangs at one home's visit is not hung at another's.
    neighbour = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    plan = await made.care_plan(neighbour, scene.agency)
    other = await made.single(plan, visit.ends_at + timedelta(hours=1), account_id=neighbour.account_id)
    await made.assign(other.id, scene.carer)
    await cai("POST", f"/visits/{other.id}/arrival", {"proof": BY_HAND})
    await cai("POST", f"/visits/{other.id}/photos", {"upload_id": mine}, expect=409)
    walter = await phone_of(neighbour)
    assert (await walter("GET", f"/me/care-visits/{other.id}"))["photos"] == []
    await walter("GET", f"/me/care-visits/{visit.id}", expect=404)
    grace = await phone_of(scene.resident)
    (shown,) = (await grace("GET", f"/me/care-visits/{visit.id}"))["photos"]
    assert (await client.get(shown["url"])).status_code == 200


async def test_reading_somebodys_visits_leaves_a_trace(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await assigned(scene)
    cai, grace = await phone_of(scene.carer), await phone_of(scene.resident)
    await cai("GET", "/me/visits?date=2026-03-02")
    await cai("GET", f"/visits/{visit.id}")
    await grace("GET", f"/me/care-visits/{visit.id}")
    await grace("GET", f"/visits/{visit.id}")
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT action, actor_id FROM core_audit_entry WHERE action IN ('visits:day', 'visit:read')")
        )
        assert sorted((row.action, row.actor_id) for row in rows) == [
            ("visit:read", scene.carer.id),
            ("visits:day", scene.carer.id),
        ]


async def test_who_is_taken_off_at_the_moment_they_leave_has_left_all_the_same(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    cai, nora = await phone_of(scene.carer), await phone_of(scene.coordinator)
    visit = await assigned(scene)
    clock.set(visit.starts_at)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    actor = Actor(kind="account", id=scene.carer.id, community_id=scene.community.id)
    async with reading() as connection:
        admitted = await require_own_visit(connection, actor, visit.id, leaving=True)
    removal = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers/{scene.carer.id}/removal"
    await nora("POST", removal, {})
    clock.advance(timedelta(minutes=20))

    async with unit_of_work() as session:
        data = DepartureGive.model_validate({"proof": BY_HAND, "unfinished_reason": "No time"})
        await attendance.leave(session, actor, admitted, data)

    (carer,) = await made.carers(visit.id)
    assert (carer.state, carer.departed_at) == ("removed", clock.now())
    # Nobody finished it: somebody else does, or the agency says how it ended.
    assert (await made.visit(visit.id)).state == "in_progress"
