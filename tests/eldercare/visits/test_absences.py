"""While the resident is away: visits are off, neither late nor missed; back early they are planned again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.events import ResidentClosed
from eldercare import api as eldercare
from eldercare.alarms.models import AlarmKind
from eldercare.visits import jobs
from eldercare.visits.service import planning, resuming
from eldercare.visits.subscribers import follow_closures
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as care
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent

BY_HAND = {"how": "manual", "reason": "The tag is broken"}
DAY = timedelta(days=1)


async def told(key: str) -> list[Any]:
    return [item.account_id for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"]


async def facts(name: str) -> int:
    async with reading() as connection:
        statement = sa.text("SELECT count(*) FROM core_event WHERE name = :name")
        return int(await connection.scalar(statement, {"name": f"eldercare.{name}.v1"}) or 0)


async def states(scene: Scene) -> list[str]:
    return [visit.state for visit in await made.visits(scene.resident)]


async def pause(phone_of: PhoneOf, scene: Scene, starts_at: datetime, ends_at: datetime, kind: str = "away") -> Any:
    grace = await phone_of(scene.resident)
    body = {"kind": kind, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    return await grace("POST", "/me/check-in-pauses", body, expect=201)


async def test_visits_are_off_while_the_resident_is_away_and_everyone_who_counted_on_them_is_told_once(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await made.template(scene.plan)
    visits = await made.visits(scene.resident)
    for visit in visits[1:4]:
        await made.assign(visit.id, scene.carer)
    await pause(phone_of, scene, visits[1].starts_at - timedelta(hours=1), visits[4].starts_at, kind="hospital")
    await settle(RELAY_JOBS)

    assert (await states(scene))[:5] == ["planned", "suspended", "suspended", "suspended", "planned"]
    assert sorted(await told("visits_off")) == sorted([scene.carer.id, scene.coordinator.id])
    assert await facts("visit_suspended") == 3
    cai = await phone_of(scene.carer)
    for day in ("03", "04", "05"):  # their route is without it
        assert (await cai("GET", f"/me/visits?date=2026-03-{day}"))["items"] == []
    other = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    elsewhere = await made.single(
        await made.care_plan(other, scene.agency), visits[1].starts_at, account_id=other.account_id
    )
    await made.assign(elsewhere.id, scene.carer)  # and their time is free

    clock.set(visits[3].starts_at + timedelta(hours=2))
    await made.look_after()
    assert (await states(scene))[1:4] == ["suspended"] * 3
    assert await alarms_about(scene) == 1  # of the first one, to which nobody came, before she went


async def alarms_about(scene: Scene) -> int:
    return int(
        await alarms.scalar(
            "SELECT count(*) FROM eldercare_alarm WHERE resident_id = :resident", resident=scene.resident.id
        )
    )


async def test_who_is_back_early_is_visited_again(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    await made.template(scene.plan)
    visits = await made.visits(scene.resident)
    await made.assign(visits[2].id, scene.carer)
    extra = await made.single(scene.plan, visits[2].starts_at + timedelta(hours=3), account_id=visits[0].account_id)
    given = await pause(phone_of, scene, clock.now(), visits[3].starts_at + timedelta(hours=1))
    await settle(RELAY_JOBS)
    ids = [*(one.id for one in visits[:4]), extra.id]
    assert {(await made.visit(visit_id)).state for visit_id in ids} == {"suspended"}

    clock.set(visits[1].starts_at + timedelta(hours=1))
    grace = await phone_of(scene.resident)
    await grace("DELETE", f"/me/check-in-pauses/{given['id']}")
    await settle(RELAY_JOBS)

    assert (await states(scene))[:5] == ["suspended", "suspended", "assigned", "planned", "planned"]
    back = await made.visit(extra.id)
    assert back.staff_by == back.starts_at - timedelta(hours=2)
    assert [row.state for row in await made.carers(visits[2].id)] == ["removed", "assigned"]
    assert (back.late_at, back.miss_at) == (
        back.starts_at + timedelta(minutes=15),
        back.starts_at + timedelta(minutes=60),
    )
    assert back.state == "planned"
    assert await told("visits_on") == [scene.coordinator.id]
    assert await facts("visit_resumed") == 3
    clock.set(visits[2].starts_at + timedelta(minutes=20))
    await made.look_after()
    assert await told("visit_late") == [scene.coordinator.id]


async def test_who_is_back_seconds_before_is_visited_however_late_that_is_heard(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=3), account_id=scene.resident.account_id)
    given = await pause(phone_of, scene, clock.now(), clock.now() + DAY)
    await settle(RELAY_JOBS)
    assert (await made.visit(visit.id)).state == "suspended"
    clock.set(visit.starts_at - timedelta(seconds=2))
    grace = await phone_of(scene.resident)
    await grace("DELETE", f"/me/check-in-pauses/{given['id']}")
    clock.set(visit.starts_at + timedelta(seconds=2))
    await settle(RELAY_JOBS)
    back = await made.visit(visit.id)
    assert (back.state, back.miss_at) == ("planned", visit.starts_at + timedelta(minutes=60))
    clock.set(visit.starts_at + timedelta(minutes=60))
    await made.look_after()
    assert (await made.visit(visit.id)).state == "missed"
    assert await alarms_about(scene) == 1


async def test_what_stayed_off_for_who_is_at_home_is_found_by_the_planner(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    template = await made.template(scene.plan)
    given = await pause(phone_of, scene, clock.now(), clock.now() + 20 * DAY)
    await settle(RELAY_JOBS)
    assert set(await states(scene)) == {"suspended"}
    grace = await phone_of(scene.resident)
    await grace("DELETE", f"/me/check-in-pauses/{given['id']}")
    first = (await made.visits(scene.resident))[0]
    clock.set(first.starts_at + timedelta(minutes=20))  # nobody heard that they are back
    async with unit_of_work() as session:
        await planning.plan_ahead(session, [template.id])
    assert set(await states(scene)) == {"planned"}
    assert await told("visits_on") == [scene.coordinator.id]
    await made.look_after()
    assert await alarms_about(scene) == 1


async def test_another_absence_still_holds_when_one_ends(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    await made.template(scene.plan)
    visits = await made.visits(scene.resident)
    given = await pause(phone_of, scene, clock.now(), visits[3].starts_at)
    await pause(phone_of, scene, visits[1].starts_at - timedelta(hours=2), visits[2].starts_at, kind="hospital")
    await settle(RELAY_JOBS)
    grace = await phone_of(scene.resident)
    await grace("DELETE", f"/me/check-in-pauses/{given['id']}")
    await settle(RELAY_JOBS)
    assert (await states(scene))[:4] == ["planned", "suspended", "planned", "planned"]


async def test_what_has_begun_stays_and_who_is_on_the_way_turns_back(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    here = await made.single(scene.plan, clock.now(), account_id=scene.resident.account_id)
    soon = await made.single(scene.plan, clock.now() + timedelta(minutes=5), account_id=scene.resident.account_id)
    await made.assign(here.id, scene.carer)
    await made.assign(soon.id, scene.other_carer)
    await cai("POST", f"/visits/{here.id}/arrival", {"proof": BY_HAND})
    await dana("POST", f"/visits/{soon.id}/en-route")
    clock.advance(timedelta(minutes=10))
    # Stated a while after the second one was to begin: it was not missed.
    await pause(phone_of, scene, clock.now(), clock.now() + DAY, kind="hospital")
    await settle(RELAY_JOBS)
    assert (await made.visit(here.id)).state == "in_progress"
    assert (await made.visit(soon.id)).state == "suspended"
    assert scene.other_carer.id in await told("visits_off")
    await dana("POST", f"/visits/{soon.id}/arrival", {"proof": BY_HAND}, expect=403)
    clock.advance(timedelta(hours=2))
    await made.look_after()
    assert await told("visit_missed") == []
    done = await cai("POST", f"/visits/{here.id}/departure", {"proof": BY_HAND, "unfinished_reason": "Ambulance"})
    assert done["state"] == "completed"


async def test_deadlines_heed_an_absence_nobody_has_heard_of_yet(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=1), account_id=scene.resident.account_id)
    clock.set(visit.starts_at + timedelta(minutes=14))
    await pause(phone_of, scene, clock.now(), clock.now() + DAY)
    clock.advance(timedelta(hours=2))
    await made.look_after()  # before the relay
    assert (await made.visit(visit.id)).state == "suspended"
    assert await told("visit_late") == await told("visit_missed") == []
    assert await alarms_about(scene) == 0


async def test_to_whom_nobody_came_before_they_were_to_leave_is_missed(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    """That somebody planned to leave does not say that they did: nobody has seen them."""
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=1), account_id=scene.resident.account_id)
    await pause(phone_of, scene, visit.starts_at + timedelta(minutes=30), visit.starts_at + DAY)
    await settle(RELAY_JOBS)
    assert (await made.visit(visit.id)).state == "planned"
    clock.set(visit.starts_at + timedelta(hours=2))
    await made.look_after()
    assert (await made.visit(visit.id)).state == "missed"
    assert await alarms_about(scene) == 1


async def test_what_is_planned_while_they_are_away_is_off_without_a_word(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await pause(phone_of, scene, clock.now(), clock.now() + 20 * DAY)
    template = await made.template(scene.plan)
    await settle(RELAY_JOBS)
    assert set(await states(scene)) == {"suspended"}
    clock.advance(DAY)
    await jobs.plan()
    assert set(await states(scene)) == {"suspended"}
    assert await told("visits_off") == []
    # A change of the plan keeps what is off, and takes back what is no longer agreed without telling anybody.
    nora = await phone_of(scene.coordinator)
    body = {"begins": "09:00", "duration": "PT30M", "starts_on": "2026-01-01", "time_zone": "UTC", "carers": 2}
    url = f"/residents/{scene.resident.id}/visit-templates/{template.id}"
    await nora("PUT", url, body)
    after = await made.visits(scene.resident)
    ahead = [visit for visit in after if visit.starts_at > clock.now()]
    assert {(visit.state, visit.carers) for visit in ahead} == {("suspended", 2)}
    assert len(after) == len({visit.starts_at for visit in after})
    await nora("PUT", url, body | {"begins": "10:00"})
    after = [visit for visit in await made.visits(scene.resident) if visit.starts_at > clock.now()]
    assert {(visit.state, visit.starts_at.hour) for visit in after} == {("cancelled", 9), ("suspended", 10)}
    assert await told("visit_cancelled") == []


async def test_whoever_was_to_come_is_told_also_where_the_planner_is_the_first_to_notice(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    template = await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    await pause(phone_of, scene, clock.now(), clock.now() + DAY)
    async with unit_of_work() as session:
        await planning.plan_ahead(session, [template.id])
    assert sorted(await told("visits_off")) == sorted([scene.carer.id, scene.coordinator.id])
    await settle(RELAY_JOBS)
    assert len(await told("visits_off")) == 2


async def test_nobody_is_sent_to_who_is_away(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    nora = await phone_of(scene.coordinator)
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=30), account_id=scene.resident.account_id)
    before = await made.single(scene.plan, clock.now() + timedelta(hours=2), account_id=scene.resident.account_id)
    until = visit.starts_at + timedelta(hours=4)
    await pause(phone_of, scene, visit.starts_at - timedelta(hours=4), until)
    url = f"/residents/{scene.resident.id}/care-visits"
    cai = {"account_id": str(scene.carer.id)}
    refused = await nora("POST", f"{url}/{visit.id}/carers", cai, expect=409)
    assert (refused["code"], refused["until"]) == ("resident_away", until.isoformat())
    when = {"starts_at": visit.starts_at.isoformat()}
    assert (await nora("POST", f"{url}/{before.id}/move", when, expect=409))["code"] == "resident_away"
    new = when | {"care_plan_id": str(scene.plan.id), "duration": "PT30M"}
    assert (await nora("POST", url, new, expect=409))["code"] == "resident_away"
    await nora("POST", f"{url}/{before.id}/carers", cai | {"despite": ["hours"]}, expect=201)


async def test_a_proposal_from_before_is_not_carried_out_for_who_is_away(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    await made.shift(scene.agency, scene.carer)
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=3), account_id=scene.resident.account_id)
    plans = f"/organizations/{scene.agency.id}/route-plans"
    first, second = [await nora("POST", plans, {"date": "2026-03-02"}, expect=201) for _ in range(2)]
    await pause(phone_of, scene, clock.now() + timedelta(hours=1), clock.now() + DAY)
    await nora("POST", f"{plans}/{first['id']}/acceptance")  # before anybody heard of it
    assert (await made.visit(visit.id)).state == "suspended"
    assert [carer.state for carer in await made.carers(visit.id)] == ["removed"]
    stale = await nora("POST", f"{plans}/{second['id']}/acceptance", expect=409)
    assert stale["code"] == "route_plan_stale"
    third = await nora("POST", plans, {"date": "2026-03-02"}, expect=201)
    assert third["stops"] == []


@pytest.mark.parametrize("how", ["event", "journey"])
async def test_who_died_while_away_is_visited_no_more(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, how: str
) -> None:
    await made.template(scene.plan)
    visits = await made.visits(scene.resident)
    await made.single(scene.plan, visits[1].starts_at + timedelta(hours=3), account_id=scene.resident.account_id)
    given = await pause(phone_of, scene, clock.now(), visits[3].starts_at, kind="hospital")
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:
        if how == "event":
            about: dict[str, Any] = {"aggregate_id": scene.resident.id, "community_id": scene.community.id}
            await follow_closures(session, [ResidentClosed(**about, reason="died")])
        else:
            await eldercare.end_care(session, scene.resident.id)
    left = {(visit.state, visit.cancel_reason) for visit in await made.visits(scene.resident)}
    assert left == {("cancelled", "closed")}
    grace = await phone_of(scene.resident)
    await grace("DELETE", f"/me/check-in-pauses/{given['id']}")
    await settle(RELAY_JOBS)
    assert {visit.state for visit in await made.visits(scene.resident)} == {"cancelled"}
    assert await told("visit_cancelled") == []


async def test_one_that_is_off_can_be_cancelled_for_good(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=3), account_id=scene.resident.account_id)
    given = await pause(phone_of, scene, clock.now(), clock.now() + DAY)
    await settle(RELAY_JOBS)
    grace = await phone_of(scene.resident)
    assert (await grace("POST", f"/me/care-visits/{visit.id}/cancellation", {}))["state"] == "cancelled"
    await grace("DELETE", f"/me/check-in-pauses/{given['id']}")
    await settle(RELAY_JOBS)
    assert (await made.visit(visit.id)).state == "cancelled"


async def test_an_sos_is_heard_from_wherever_they_are(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    await pause(phone_of, scene, clock.now(), clock.now() + DAY, kind="hospital")
    grace = await phone_of(scene.resident)
    await grace("POST", "/me/sos", {"countdown_seconds": 0}, expect=201)
    async with reading() as connection:
        kinds = list(await connection.scalars(sa.text("SELECT kind FROM eldercare_alarm")))
    assert kinds == [AlarmKind.SOS]


async def test_following_twice_changes_nothing(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=3), account_id=scene.resident.account_id)
    await made.assign(visit.id, scene.carer)
    await care.pause(scene.resident, datetime(2026, 3, 9, tzinfo=UTC))
    for _ in range(2):
        async with unit_of_work() as session:
            await resuming.follow_absences(session, [scene.resident.id])
            await planning.follow_moves(session, [scene.resident.id])
    after = await made.visit(visit.id)
    assert (after.state, after.miss_at, after.late_at, after.staff_by) == ("suspended", None, None, None)
    assert await facts("visit_suspended") == 1
