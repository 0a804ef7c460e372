"""How everybody is today: each fact under its own scope, counts included, for each kind of actor."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.access import Actor, Membership
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.paging import PageRequest
from app.identity.api import actor_binds
from app.identity.models import Account, Community, Organization, Resident
from app.identity.visibility import visible_residents
from eldercare.overview.schemas import CareOverview, PersonToday
from eldercare.overview.views import pages
from eldercare.overview.views.standing import SCOPES
from tests.factories import care_overview as today
from tests.factories import identity
from tests.factories.sign_in import client_headers, device_headers, sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("database", "clock")

ALL = SCOPES
HOUR = timedelta(hours=1)


async def place() -> Community:
    return await identity.community(time_zone="UTC")


async def overview(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    found = await client.get("/v1/care-overview", headers=headers)
    assert found.status_code == 200, found.text
    return CareOverview.model_validate(found.json()).model_dump(mode="json")


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {one["group"]: one["count"] for one in found["groups"] if one["count"]}


def shown(found: dict[str, Any]) -> dict[str, str]:
    """Return why each person stands where they do, by name."""
    return {item["name"]: item["reason"] for group in found["groups"] for item in group["items"]}


def one(found: dict[str, Any], name: str) -> dict[str, Any]:
    (item,) = [item for group in found["groups"] for item in group["items"] if item["name"] == name]
    return dict(item)


async def relative(*residents: Resident, scopes: Iterable[str] = ALL) -> tuple[Account, dict[str, str]]:
    async with unit_of_work() as session:
        home = await session.get_one(Community, residents[0].community_id)
    person = await identity.account(home, name="Daughter")
    for resident in residents:
        await identity.grant(resident, person, scopes)
    return person, await sign_in(person)


async def everything(of: Community, now: datetime) -> dict[str, Resident]:
    """Insert one resident for each thing that can be so, each named for it."""
    agency = await identity.organization(of, "care_agency")
    await identity.agreement(agency, ["visits:read", "visits:manage"])
    names = ["alarm", "hospital", "away", "asked", "check-in missed", "unreached", "answered", "seen", "home", "later"]
    names += ["visit missed", "visit late", "carer there", "carer was there", "dose", "nothing", "asked for help"]
    people = {name: await identity.resident(of, name=name) for name in names}
    await today.alarm(people["alarm"], now - HOUR)
    await today.away(people["hospital"], "hospital")
    await today.away(people["away"])
    await today.asked(people["asked"], now - HOUR / 4)
    await today.missed(people["check-in missed"], now - HOUR)
    await today.missed(people["unreached"], now - HOUR, state="unasked")
    await today.answered(people["answered"], now - HOUR)
    await today.answered(people["seen"], now - HOUR, how="saw")
    await today.answered(people["home"], now - HOUR, how="home")
    await today.check_in(people["later"], "scheduled", now + HOUR, next_prompt_at=now + HOUR)
    await today.answered(people["asked for help"], now - HOUR, answer="needs_help")
    await today.visit(people["visit missed"], agency, "missed", now - 3 * HOUR, closed_at=now - 2 * HOUR)
    await today.visit(people["visit late"], agency, "assigned", now - HOUR)
    await today.visit(people["carer there"], agency, "in_progress", now - HOUR)
    await today.visit(people["carer was there"], agency, "completed", now - 3 * HOUR, completed_at=now - 2 * HOUR)
    await today.dose_missed(people["dose"], now - HOUR)
    return people


REASONS = {
    "alarm": "alarm",
    "asked": "not_answered_yet",
    "hospital": "in_hospital",
    "away": "away",
    "check-in missed": "check_in_missed",
    "unreached": "not_reached",
    "asked for help": "help_asked_earlier",
    "visit missed": "visit_missed",
    "visit late": "visit_late",
    "dose": "dose_missed",
    "carer there": "carer_is_there",
    "carer was there": "carer_was_there",
    "answered": "answered",
    "seen": "answered",
    "home": "active_at_home",
    "later": "asked_later",
    "nothing": "not_asked",
}


async def test_everybody_stands_in_one_group_for_one_reason(client: httpx.AsyncClient, clock: ManualClock) -> None:
    people = await everything(await place(), clock.now())
    _, headers = await relative(*people.values())
    found = await overview(client, headers)
    assert shown(found) == REASONS
    assert found["count"] == len(REASONS)
    assert counts(found) == {"needs": 1, "waiting": 1, "away": 2, "missed": 6, "fine": 5, "unasked": 2}
    assert found["groups"][0]["group"] == "needs"


SEEN_UNDER = {
    "alarms:read": {"alarm"},
    "check_ins:read": {
        "asked",
        "hospital",
        "away",
        "check-in missed",
        "unreached",
        "asked for help",
        "answered",
        "seen",
        "home",
        "later",
    },
    "medication:read": {"dose"},
    "visits:read": {"visit missed", "visit late", "carer there", "carer was there"},
}


@pytest.mark.parametrize("scope", SEEN_UNDER)
async def test_a_fact_is_shown_under_its_own_scope_alone(
    client: httpx.AsyncClient, clock: ManualClock, scope: str
) -> None:
    people = await everything(await place(), clock.now())
    _, headers = await relative(*people.values(), scopes=[scope])
    found = await overview(client, headers)
    told = {name for name, reason in shown(found).items() if reason not in ("not_asked", "nothing_known")}
    assert told == SEEN_UNDER[scope]
    assert sum(counts(found).values()) - counts(found)["unasked"] + ("later" in told) == len(told)


async def test_whoever_sees_no_alarms_sees_a_call_for_help_until_the_person_says_otherwise(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    resident = await identity.resident(of, name="Grace")
    await today.answered(resident, clock.now() - HOUR, answer="needs_help")
    _, headers = await relative(resident, scopes=["check_ins:read"])
    assert one(await overview(client, headers), "Grace")["group"] == "needs"


async def test_a_call_for_help_is_not_over_at_midnight(client: httpx.AsyncClient, clock: ManualClock) -> None:
    of = await identity.community(time_zone="Asia/Shanghai")
    midnight = datetime.fromisoformat("2026-03-02T00:00:00+08:00")
    calling, well = await identity.resident(of, name="calling"), await identity.resident(of, name="well")
    await today.answered(calling, midnight - timedelta(minutes=5), answer="needs_help")
    await today.answered(well, midnight - timedelta(minutes=5))
    _, headers = await relative(calling, well, scopes=["check_ins:read"])
    assert shown(await overview(client, headers)) == {"calling": "asked_for_help", "well": "not_asked"}


async def test_a_carer_who_should_have_left_long_ago_says_nothing_of_how_somebody_is(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    agency = await identity.organization(of, "care_agency")
    await identity.agreement(agency, ["visits:read", "visits:manage"])
    there, forgotten = await identity.resident(of, name="there"), await identity.resident(of, name="forgotten")
    await today.visit(there, agency, "in_progress", clock.now() - HOUR, overdue_step=1)
    await today.visit(forgotten, agency, "in_progress", clock.now() - 6 * HOUR, overdue_step=2)
    _, headers = await relative(there, forgotten)
    assert shown(await overview(client, headers)) == {"there": "carer_is_there", "forgotten": "not_asked"}


async def test_a_carer_who_came_before_their_time_is_there(client: httpx.AsyncClient, clock: ManualClock) -> None:
    of = await place()
    agency = await identity.organization(of, "care_agency")
    await identity.agreement(agency, ["visits:read", "visits:manage"])
    names = ("there", "was there", "ahead")
    there, was_there, ahead = [await identity.resident(of, name=name) for name in names]
    soon = clock.now() + HOUR
    await today.visit(there, agency, "in_progress", soon, started_at=clock.now() - HOUR / 4)
    await today.visit(was_there, agency, "completed", soon, completed_at=clock.now() - HOUR / 4)
    await today.visit(ahead, agency, "assigned", soon)
    _, headers = await relative(there, was_there, ahead)
    reasons = {"there": "carer_is_there", "was there": "carer_was_there", "ahead": "not_asked"}
    assert shown(await overview(client, headers)) == reasons


async def test_age_home_and_number_are_shown_only_to_whom_they_are_granted(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    home = await identity.household(of, building="Lake House")
    resident = await identity.resident(of, name="Grace", phone="+8613800000001", home=home)
    deaf = await identity.resident(of, name="Hedy", phone="+8613800000002", accessibility_needs=["hearing"])
    await today.asked(resident, clock.now() - HOUR / 4)
    _, without = await relative(resident, deaf, scopes=["check_ins:read"])
    _, all_of_it = await relative(resident, deaf)
    hidden, told = one(await overview(client, without), "Grace"), one(await overview(client, all_of_it), "Grace")
    assert (hidden["age"], hidden["building"], hidden["phone"]) == (None, None, None)
    assert (told["age"], told["building"], told["phone"]) == (85, "Lake House", "+8613800000001")
    assert told["until"] == "2026-03-02T08:15:00Z"
    assert one(await overview(client, all_of_it), "Hedy")["phone"] is None


async def test_of_two_alarms_the_worst_is_shown_and_an_exercise_is_none(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    resident, other = await identity.resident(of, name="Grace"), await identity.resident(of, name="Hedy")
    await today.alarm(resident, clock.now() - HOUR, severity=2, kind="check_in_missed")
    worst = await today.alarm(resident, clock.now(), severity=4, kind="sos", stands_alone=True)
    await today.alarm(other, clock.now(), is_test=True)
    _, headers = await relative(resident, other)
    found = await overview(client, headers)
    assert one(found, "Grace")["alarm"] == {
        "id": str(worst.id),
        "kind": "sos",
        "severity": "critical",
        "state": "raised",
    }
    assert one(found, "Hedy")["reason"] == "not_asked"


async def test_what_ended_today_is_told_until_something_else_is_open_and_to_no_emergency_access(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    resident, other = await identity.resident(of, name="Grace"), await identity.resident(of, name="Hedy")
    over: dict[str, Any] = {"state": "resolved", "outcome": "helped", "next_step_at": None}
    await today.alarm(resident, clock.now() - 2 * HOUR, closed_at=clock.now() - 2 * HOUR, **over)
    last = await today.alarm(resident, clock.now() - HOUR, closed_at=clock.now() - HOUR / 2, **over)
    await today.alarm(resident, clock.now(), closed_at=clock.now(), is_test=True, **over)
    await today.alarm(other, clock.now() - HOUR, closed_at=clock.now() - HOUR / 2, **over)
    person, headers = await relative(resident)
    await identity.grant(other, person, ["alarms:read"], kind="break_glass")
    found = await overview(client, headers)
    assert one(found, "Grace")["ended"] == {
        "id": str(last.id),
        "ended_at": (clock.now() - HOUR / 2).isoformat().replace("+00:00", "Z"),
        "outcome": "helped",
    }
    assert one(found, "Hedy")["ended"] is None
    await today.alarm(resident, clock.now())
    assert one(await overview(client, headers), "Grace")["ended"] is None


async def test_what_was_yesterday_is_not_today(client: httpx.AsyncClient, clock: ManualClock) -> None:
    of = await identity.community(time_zone="Asia/Shanghai")
    midnight = datetime.fromisoformat("2026-03-02T00:00:00+08:00")
    before, after = await identity.resident(of, name="before"), await identity.resident(of, name="after")
    await today.missed(before, midnight - timedelta(minutes=1))
    await today.missed(after, midnight + timedelta(minutes=1))
    _, headers = await relative(before, after)
    assert shown(await overview(client, headers)) == {"before": "not_asked", "after": "check_in_missed"}


async def test_an_absence_that_was_ended_is_over(client: httpx.AsyncClient, clock: ManualClock) -> None:
    resident = await identity.resident(await place(), name="Grace")
    await today.away(resident, ended_at=clock.now())
    _, headers = await relative(resident)
    assert one(await overview(client, headers), "Grace")["reason"] == "not_asked"


async def test_oneself_strangers_and_who_has_left_are_not_shown(client: httpx.AsyncClient) -> None:
    of = await place()
    own, spouse, stranger = [await identity.resident(of, name=name) for name in ("own", "spouse", "stranger")]
    gone = await identity.resident(of, name="gone")
    async with unit_of_work() as session:
        person = await session.get_one(Account, own.account_id)
        (await session.get_one(Resident, gone.id)).state = "moved_out"
    for resident in (spouse, gone):
        await identity.grant(resident, person, ALL)
    await identity.grant(stranger, person, ["messages:read", "profile:read", "contacts:read"])
    assert shown(await overview(client, await sign_in_resident(own))) == {"spouse": "not_asked"}


async def test_a_grant_that_is_over_or_not_begun_shows_nothing(client: httpx.AsyncClient, clock: ManualClock) -> None:
    of = await place()
    resident = await identity.resident(of)
    person = await identity.account(of)
    await identity.grant(resident, person, ALL, expires_at=clock.now())
    await identity.grant(resident, person, ALL, kind="proxy", starts_at=clock.now() + HOUR)
    found = await overview(client, await sign_in(person))
    assert (found["count"], shown(found)) == (0, {})


async def agency_of(of: Community, *served: Resident) -> Organization:
    agency = await identity.organization(of, "care_agency")
    for resident in served:
        await identity.agreement(agency, resident=resident)
    return agency


async def test_a_carer_sees_those_of_their_agency_and_those_who_let_them_besides(client: httpx.AsyncClient) -> None:
    of = await place()
    served, friend, _stranger = [await identity.resident(of, name=name) for name in ("served", "friend", "stranger")]
    carer = await identity.staff(await agency_of(of, served), "carer")
    await identity.grant(friend, carer, ["check_ins:read"])
    assert set(shown(await overview(client, await sign_in(carer)))) == {"served", "friend"}


async def test_a_role_is_shown_what_it_may_see_and_no_more(client: httpx.AsyncClient, clock: ManualClock) -> None:
    of = await place()
    people = await everything(of, clock.now())
    house = await identity.organization(of, "operator")
    await identity.agreement(house)
    dispatcher = await identity.staff(house, "dispatcher")
    found = shown(await overview(client, await sign_in(dispatcher)))
    assert found == REASONS | {"dose": "not_asked"}  # the desk sees no medication
    clinic = await identity.organization(of, "clinic")
    await identity.agreement(clinic)
    clinician = await identity.staff(clinic, "clinician")
    found = shown(await overview(client, await sign_in(clinician)))
    assert found == {"dose": "dose_missed"}
    listed_there = await listed(client, await sign_in(clinician), "group=unasked")
    assert {item["reason"] for item in listed_there} == {"nothing_known"}
    assert len(listed_there) == len(people) - 1
    worker = await identity.staff(house, "worker")
    assert (await overview(client, await sign_in(worker)))["count"] == 0


async def test_a_machine_sees_what_its_scopes_say_and_a_phone_of_a_resident_nothing(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    people = await everything(of, clock.now())
    house = await identity.organization(of, "operator")
    await identity.agreement(house)
    found = await overview(client, await client_headers(house, ["alarms:read"]))
    assert {name for name, reason in shown(found).items() if reason != "nothing_known"} == {"alarm"}
    assert (await client.get("/v1/care-overview")).status_code == 401
    phone = await client.get("/v1/care-overview", headers=await device_headers(people["alarm"]))
    assert phone.status_code in (200, 401, 403)
    assert phone.status_code != 200 or phone.json()["count"] == 0


async def test_those_shown_are_those_each_scope_makes_visible() -> None:
    """What is agreed is read in one pass for all scopes: it is the same as asked for each."""
    of = await place()
    residents = [await identity.resident(of, name=f"Resident {number}") for number in range(6)]
    agency = await identity.organization(of, "care_agency")
    carer = await identity.staff(agency, "carer")
    await identity.agreement(agency, ["check_ins:read", "profile:read"])
    await identity.agreement(agency, ["alarms:read", "wellbeing:read"], residents[0])
    await identity.agreement(agency, ["medication:read"], residents[1], ends_at=identity.BEFORE + HOUR)
    await identity.grant(residents[2], carer, ["visits:read", "medication:read"])
    actor = await actor_of(carer)
    async with reading() as connection:
        found = await pages.people_today(connection, actor, PageRequest(100, None), group=None, name=None)
        by_scope = {
            scope: set(await connection.scalars(visible_residents(scope), actor_binds(actor, scope)))
            for scope in SCOPES
        }
    assert {person.resident_id for person in found.items} == set().union(
        *(by_scope[scope] for scope in ("alarms:read", "check_ins:read", "medication:read", "visits:read"))
    )
    assert all(person.age is not None for person in found.items)  # profile:read is agreed of everybody
    assert len(by_scope["alarms:read"]) == len(by_scope["visits:read"]) == 1


async def actor_of(person: Account) -> Actor:
    async with reading() as connection:
        rows = await connection.execute(
            sa.text(
                "SELECT organization_id, kind, role FROM identity_membership m JOIN identity_organization o"
                " ON o.id = m.organization_id WHERE account_id = :id"
            ),
            {"id": person.id},
        )
        held = tuple(Membership(row.organization_id, row.kind, row.role) for row in rows)
    return Actor(kind="account", id=person.id, community_id=person.community_id, memberships=held)


async def test_whom_it_showed_is_on_record_and_whom_it_counted_is_not(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    needs = await identity.resident(of, name="needs")
    await today.alarm(needs, clock.now())
    for number in range(pages.FIRST + 1):
        await today.answered(await identity.resident(of, name=f"Fine {number:02}"), clock.now() - HOUR)
    desk = await identity.operator(of, "dispatcher")
    found = await overview(client, await sign_in(desk))
    fine = next(group for group in found["groups"] if group["group"] == "fine")
    assert (fine["count"], fine["items"], fine["next"]) == (pages.FIRST + 1, [], None)
    async with reading() as connection:
        traces = await connection.execute(
            sa.text("SELECT resident_id, actor_id FROM core_audit_entry WHERE action = 'care_overview:read'")
        )
        assert [tuple(trace) for trace in traces] == [(needs.id, desk.id)]


async def listed(client: httpx.AsyncClient, headers: dict[str, str], query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await client.get(f"/v1/care-overview/residents?{query}{cursor}", headers=headers)
        assert page.status_code == 200, page.text
        found += page.json()["items"]
        if page.json()["next"] is None:
            return [PersonToday.model_validate(item).model_dump(mode="json") for item in found]
        cursor = f"&cursor={page.json()['next']}"


async def test_five_thousand_are_paged_each_once_and_found_by_name(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    of = await place()
    desk = await identity.operator(of, "dispatcher")
    headers = await sign_in(desk)
    async with unit_of_work() as session:
        for statement in FIVE_THOUSAND:
            await session.execute(sa.text(statement), {"place": of.id, "now": clock.now()})
    for number in range(25):
        resident = await identity.resident(of, name=f"Alarm {number:02}")
        await today.alarm(resident, clock.now() - number * HOUR, severity=1 + number % 4)
    found = await overview(client, headers)
    assert found["count"] == 5025
    assert counts(found) == {"needs": 25, "unasked": 5000}
    needs = found["groups"][0]
    assert len(needs["items"]) == pages.FIRST
    rest = await client.get(
        f"/v1/care-overview/residents?group=needs&limit=100&cursor={needs['next']}", headers=headers
    )
    names = [item["name"] for item in [*needs["items"], *rest.json()["items"]]]
    assert len(set(names)) == 25
    assert [item["alarm"]["severity"] for item in needs["items"]][:7] == ["critical"] * 6 + ["high"]
    quiet = [item["name"] for item in await listed(client, headers, "group=unasked&limit=100")]
    assert len(quiet) == len(set(quiet)) == 5000
    assert quiet == sorted(quiet)
    sought = [item["name"] for item in await listed(client, headers, "name=RESIDENT%2049&limit=100")]
    assert sought == sorted(name for name in quiet if "Resident 49" in name)
    assert await listed(client, headers, "name=%25") == []
    first = needs["items"][0]
    assert await listed(client, headers, f"resident_id={first['resident_id']}") == [first]
    assert await listed(client, headers, "resident_id=00000000-0000-0000-0000-000000000000") == []
    assert (await client.get("/v1/care-overview/residents?cursor=x", headers=headers)).status_code == 422
    assert (await client.get("/v1/care-overview/residents?group=all", headers=headers)).status_code == 422


_ID = "CAST('0000000{kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"
_ACCOUNTS = f"""
INSERT INTO identity_account (id, created_at, updated_at, version, community_id, name, language, time_zone, state)
SELECT {_ID.format(kind=1)}, :now, :now, 1, :place, 'Resident ' || lpad(CAST(n AS text), 4, '0'), 'en', 'UTC', 'active'
FROM generate_series(1, 5000) n"""
_RESIDENTS = f"""
INSERT INTO identity_resident (id, created_at, updated_at, version, community_id, account_id, state,
    accessibility_needs, tags)
SELECT {_ID.format(kind=2)}, :now, :now, 1, :place, {_ID.format(kind=1)}, 'active', '{{}}', '{{}}'
FROM generate_series(1, 5000) n"""
FIVE_THOUSAND = (_ACCOUNTS, _RESIDENTS)
