"""Incremental sync: an app that asks again misses nothing, whoever commits late, and hears of what is gone."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
import sqlalchemy as sa

from app import assembly
from app.core import changes
from app.core.clock import ManualClock, now
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Account, Grant, Resident
from eldercare.alarms.models import AlarmKind
from eldercare.check_ins.models import CheckIn
from eldercare.medication.models import DOSES
from eldercare.visits.models import CARERS, VISITS, CarePlan
from eldercare.visits.service import templates
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as care
from tests.factories import eldercare_medication as medicines
from tests.factories import eldercare_visits as visits
from tests.factories import identity as make
from tests.factories.eldercare_alarms import Scene
from tests.factories.sign_in import sign_in, sign_in_resident

ROWS = (
    *("check_ins", "alarms", "doses", "visits", "appointments", "consultations", "health_records", "referrals"),
    "inbox",
)
WHOLES = (
    "check_ins_ahead",
    "doses_ahead",
    "visits_ahead",
    "check_in_plans",
    "check_in_pauses",
    "circle",
    "grants",
    "contact_points",
    "waitlist_entries",
    "queue_tickets",
)
_check_ins = cast("sa.Table", sa.inspect(CheckIn).local_table)


class App:
    """An app that keeps what it is told."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str], path: str = "/v1/me/changes") -> None:
        self.client, self.headers, self.path = client, headers, path
        self.cursor: str | None = None
        self.told: dict[str, Any] = {}
        self.held: dict[str, Any] = {}

    async def ask(self, limit: int = 100) -> dict[str, Any]:
        """Ask once, keep what is told, and return what of it is news.

        What is told again is the same as before and does no harm: any transaction on the server, also of another
        database, holds the horizon back, and other tests run theirs at this moment.
        """
        query = {"limit": limit} | ({"since": self.cursor} if self.cursor else {})
        answer = await self.client.get(self.path, params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        self.told = told
        if told["is_fresh_start"]:
            self.held = {}
        news = {kind: [row for row in told[kind] if self.held.get(kind, {}).get(row["id"]) != row] for kind in ROWS}
        wholes = {kind: None if self.held.get(kind) == told[kind] else told[kind] for kind in WHOLES}
        self.held = {kind: held for kind, held in self.held.items() if kind in told["kinds"]}
        for kind in ROWS:
            self.held.setdefault(kind, {}).update({row["id"]: row for row in told[kind]})
        self.held |= {kind: told[kind] for kind in WHOLES if told[kind] is not None}
        self.cursor = told["next"]
        return told | news | wholes

    async def sync(self, limit: int = 100) -> list[dict[str, Any]]:
        """Ask until there is no more; return the answers."""
        answers = [await self.ask(limit)]
        while answers[-1]["has_more"]:
            answers.append(await self.ask(limit))
        return answers


def told_nothing(answer: dict[str, Any]) -> bool:
    return not any(answer[kind] for kind in ROWS) and all(answer[kind] is None for kind in WHOLES)


@pytest.fixture
async def scene(database: object, clock: ManualClock) -> Scene:
    found = await alarms.scene()
    await care.plan(found.resident)
    return found


async def own_app(client: httpx.AsyncClient, resident: Resident) -> App:
    return App(client, await sign_in_resident(resident))


async def test_an_app_gets_everything_once_and_then_only_what_changed(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    app = await own_app(client, scene.resident)
    (first,) = await app.sync()
    assert first["is_fresh_start"]
    assert set(first["kinds"]) == {*ROWS, *WHOLES}
    assert len(app.held["check_ins"]) == len(app.held["check_ins_ahead"]) == 2
    assert [len(app.held[kind]) for kind in ("check_in_plans", "circle", "grants", "contact_points")] == [1, 2, 2, 1]
    assert told_nothing(await app.ask())

    clock.advance(timedelta(minutes=30))
    await settle(assembly.JOBS)
    app.headers = await sign_in_resident(scene.resident)
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.CONCERN)
    changed = await app.ask()
    assert [row["state"] for row in changed["check_ins"]] == ["prompted"]
    assert [row["id"] for row in changed["alarms"]] == [str(alarm.id)]
    assert [row["notice"] for row in changed["inbox"]] == ["eldercare.check_in_prompt"]
    assert len(changed["check_ins_ahead"]) == 1
    assert changed["check_in_plans"] is None
    assert told_nothing(await app.ask())


async def test_a_transaction_that_commits_late_is_not_missed(client: httpx.AsyncClient, scene: Scene) -> None:
    app = await own_app(client, scene.resident)
    await app.sync()
    moved = _check_ins.c.resident_id == scene.resident.id
    async with unit_of_work() as late:
        await late.execute(sa.update(_check_ins).where(moved).values(version=7))
        # While it runs, others that began later commit, and the app sees those.
        for number in range(3):
            await alarms.raised(scene.resident, kind=AlarmKind.CONCERN)
            await app.ask()
            assert app.told["alarms"] != [], number
        assert (await app.ask())["check_ins"] == []
    await app.ask()
    assert len(app.told["check_ins"]) == 2
    assert told_nothing(await app.ask())


@dataclass(frozen=True, slots=True)
class AtHome:
    """A resident with tablets and carers, and the agency that sends them."""

    scene: Scene
    plan: CarePlan
    carers: tuple[Account, Account]


@pytest.fixture
async def at_home(scene: Scene) -> AtHome:
    await medicines.regimen(scene.resident)
    agency = await make.organization(scene.community, "care_agency")
    await make.agreement(agency)
    carers = [
        await make.staff(agency, "carer", name=f"Carer {number}", phone=f"+861380000020{number}") for number in range(2)
    ]
    plan = await visits.care_plan(scene.resident, agency)
    return AtHome(scene, plan, (carers[0], carers[1]))


async def test_doses_and_visits_are_told_and_what_becomes_of_them(
    client: httpx.AsyncClient, at_home: AtHome, clock: ManualClock
) -> None:
    resident = at_home.scene.resident
    template = await visits.template(at_home.plan, carers=2)
    app = await own_app(client, resident)
    await app.sync()
    planned = await visits.visits(resident)
    assert set(app.held["visits"]) == set(app.held["visits_ahead"]) == {str(one.id) for one in planned}
    dose, later = await medicines.doses(resident)
    assert set(app.held["doses"]) == set(app.held["doses_ahead"]) == {str(dose.id), str(later.id)}

    clock.advance(timedelta(minutes=30))
    await medicines.record(resident, dose.id)
    for carer in at_home.carers:
        await visits.assign(planned[0].id, carer)
    app.headers = await sign_in_resident(resident)
    news = await app.ask()
    assert [(row["id"], row["state"]) for row in news["doses"]] == [(str(dose.id), "taken")]
    assert [(row["id"], row["state"], len(row["carers"])) for row in news["visits"]] == [
        (str(planned[0].id), "assigned", 2)
    ]
    # Each carer's own steps, also where the visit's row stays as it is.
    for number, carer in enumerate(at_home.carers):
        headers = await sign_in(carer)
        url = f"/v1/visits/{planned[0].id}/en-route"
        assert (await client.post(url, headers=headers)).status_code == 200
        (row,) = (await app.ask())["visits"]
        assert sorted(one["state"] for one in row["carers"]) == sorted(
            ["en_route"] * (number + 1) + ["assigned"] * (1 - number)
        )
    assert told_nothing(await app.ask())

    # What is taken back before anybody was assigned leaves no row.
    staff = visits.coordinator_of(at_home.plan.organization_id, resident.community_id)
    subject = await visits.subject_of(resident.id, staff)
    async with unit_of_work() as session:
        await templates.end_template(session, staff, subject, template.id, None)
    gone = await app.ask()
    assert gone["visits_ahead"] == []
    assert [row["state"] for row in gone["visits"]] == ["cancelled"]
    await medicines.change(resident, dose.regimen_id, times=["21:00"])
    await settle(assembly.JOBS)
    changed = await app.ask()
    assert str(later.id) not in changed["doses_ahead"]
    assert {*changed["doses_ahead"]} <= {*app.held["doses"]}


@pytest.mark.parametrize("kind", ["doses", "visits", "carers"])
async def test_no_late_commit_of_doses_and_visits_is_missed(
    client: httpx.AsyncClient, at_home: AtHome, clock: ManualClock, kind: str
) -> None:
    resident = at_home.scene.resident
    visit = await visits.single(at_home.plan, clock.now() + timedelta(hours=1), account_id=resident.account_id)
    await visits.assign(visit.id, at_home.carers[0])
    app = await own_app(client, resident)
    await app.sync()
    table = {"doses": DOSES, "visits": VISITS, "carers": CARERS}[kind]
    told = "visits" if kind == "carers" else kind
    async with unit_of_work() as late:
        await late.execute(sa.update(table).where(table.c.resident_id == resident.id).values(version=7))
        for _ in range(3):
            await alarms.raised(resident, kind=AlarmKind.CONCERN)
            assert (await app.ask())[told] == []
    await app.ask()
    assert {row["id"] for row in app.told[told]} == set(app.held[told])


async def test_a_relative_loses_what_may_be_seen_no_more(client: httpx.AsyncClient, at_home: AtHome) -> None:
    await visits.template(at_home.plan)
    resident, relative = at_home.scene.resident, at_home.scene.circle[0]
    path = f"/v1/residents/{resident.id}/changes"
    grant = await make.grant(resident, relative, ["medication:read", "visits:read"], kind="proxy")
    app = App(client, await sign_in(relative), path)
    await app.sync()
    assert {"doses", "doses_ahead", "visits", "visits_ahead"} < set(app.told["kinds"])
    assert (len(app.held["doses"]), len(app.held["visits"])) == (2, 14)
    async with unit_of_work() as session:
        (await session.get_one(Grant, grant.id)).scopes = ["visits:read"]
        await session.execute(sa.update(DOSES).values(version=8))
    await app.sync()
    assert {"doses", "doses_ahead"}.isdisjoint(app.told["kinds"])
    assert app.told["doses"] == []
    assert "visits" in app.told["kinds"]
    async with unit_of_work() as session:
        (await session.get_one(Grant, grant.id)).revoked_at = now()
        await session.execute(sa.update(VISITS).values(version=VISITS.c.version + 1))
    last = await app.ask()
    assert last["kinds"] == ["alarms"]
    assert last["doses"] == last["visits"] == []
    assert last["visits_ahead"] is None


async def test_what_is_gone_is_told(client: httpx.AsyncClient, scene: Scene) -> None:
    app = await own_app(client, scene.resident)
    await app.sync()
    (plan,) = app.held["check_in_plans"]
    before = set(app.held["check_ins_ahead"])
    body = care.agreed(times=["10:00"]).model_dump(mode="json")
    changed = await client.put(f"/v1/me/check-in-plans/{plan['id']}", json=body, headers=app.headers)
    assert changed.status_code == 200, changed.text
    (member, _) = app.held["circle"]
    assert (await client.delete(f"/v1/me/circle/{member['id']}", headers=app.headers)).status_code == 204
    await app.sync()
    assert before.isdisjoint(app.held["check_ins_ahead"])
    assert {*app.held["check_ins_ahead"]} <= {*app.held["check_ins"]}
    assert [each["id"] for each in app.held["circle"]] != [member["id"]]
    assert len(app.held["circle"]) == 1


async def test_what_is_told_of_others_follows_their_own_changes(client: httpx.AsyncClient, scene: Scene) -> None:
    app = await own_app(client, scene.resident)
    await app.sync()
    relative = await sign_in(scene.circle[0])
    renamed = await client.patch("/v1/me/account", json={"name": "Another name"}, headers=relative)
    assert renamed.status_code == 200
    answer = await app.ask()
    assert "Another name" in {member["name"] for member in answer["circle"]}
    assert "Another name" in {grant["grantee"]["name"] for grant in answer["grants"]}


async def test_a_long_absence_comes_in_pages(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    for _ in range(3):
        clock.advance(timedelta(days=1))
        await settle(assembly.JOBS)
    whole, paged = await own_app(client, scene.resident), await own_app(client, scene.resident)
    await whole.sync()
    first = await paged.ask(limit=2)
    # What changes while the pages are read comes with the next round.
    await alarms.raised(scene.resident, kind=AlarmKind.CONCERN)
    answers = [first, *await paged.sync(limit=2)]
    assert all(sum(len(answer[kind]) for kind in ROWS) <= 2 for answer in answers)
    assert len(answers) > 3
    assert sum(answer["check_in_plans"] is not None for answer in answers) == 1
    await whole.sync()
    await paged.sync()
    assert paged.held == whole.held


async def test_a_relative_gets_what_was_granted_and_later_what_is_granted_later(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    path = f"/v1/residents/{scene.resident.id}/changes"
    app = App(client, await sign_in(scene.circle[0]), path)
    (first,) = await app.sync()
    assert first["kinds"] == ["alarms"]
    await make.grant(scene.resident, scene.circle[0], ["check_ins:read", "circle:read"], kind="proxy")
    (more,) = await app.sync()
    assert set(more["kinds"]) == {
        "alarms",
        "check_ins",
        "check_ins_ahead",
        "check_in_plans",
        "check_in_pauses",
        "circle",
    }
    assert len(more["check_ins"]) == 2, "what was there before the grant is told, too"
    assert len(more["circle"]) == 2
    assert more["inbox"] == []
    traces = "SELECT count(*) FROM core_audit_entry WHERE action = 'changes:read' AND resident_id = :resident"
    assert await alarms.scalar(traces, resident=scene.resident.id) == 2


async def test_a_relative_has_changes_of_their_own(client: httpx.AsyncClient, scene: Scene) -> None:
    app = App(client, await sign_in(scene.circle[0]))
    (first,) = await app.sync()
    assert first["kinds"] == ["contact_points", "inbox"]
    assert len(first["contact_points"]) == 1


async def test_strangers_and_those_without_a_scope_get_nothing(client: httpx.AsyncClient, scene: Scene) -> None:
    path = f"/v1/residents/{scene.resident.id}/changes"
    stranger = await make.account(scene.community, name="Stranger")
    assert (await client.get(path, headers=await sign_in(stranger))).status_code == 404
    await make.grant(scene.resident, stranger, ["location:read"])
    assert (await client.get(path, headers=await sign_in(stranger))).status_code == 403
    assert (await client.get(path)).status_code == 401
    assert (await client.get("/v1/me/changes")).status_code == 401


async def test_a_cursor_of_somebody_else_or_another_database_begins_anew(
    client: httpx.AsyncClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, other = await own_app(client, scene.resident), App(client, await sign_in(scene.circle[0]))
    await app.sync()
    await other.sync()
    app.cursor = other.cursor
    assert (await app.ask())["is_fresh_start"]
    async with reading() as connection:
        here = await changes.horizon(connection)

    async def elsewhere(_: object) -> changes.Horizon:
        return changes.Horizon("another", here.settled, here.newest)

    monkeypatch.setattr(changes, "horizon", elsewhere)
    assert (await app.ask())["is_fresh_start"]
    refused = await client.get("/v1/me/changes", params={"since": "nonsense"}, headers=app.headers)
    assert refused.status_code == 422


async def test_rows_are_found_by_their_transaction_beyond_the_wrap_of_its_lower_half(scene: Scene) -> None:
    """The widened number of every row is its transaction's own, as PostgreSQL tells it."""
    async with reading() as connection:
        here = await changes.horizon(connection)
        found = sa.select(sa.func.count()).select_from(_check_ins)
        everything = await connection.scalar(found.where(changes.written_since(_check_ins)), {"since": 0})
        nothing = await connection.scalar(found.where(changes.written_since(_check_ins)), {"since": here.newest})
    assert (everything, nothing) == (2, 0)


async def test_many_writers_and_one_reader_agree_in_the_end(client: httpx.AsyncClient, scene: Scene) -> None:
    app = await own_app(client, scene.resident)
    await app.sync()
    done = asyncio.Event()

    async def write(number: int) -> None:
        for _ in range(5):
            async with unit_of_work() as session:
                mine = _check_ins.c.resident_id == scene.resident.id
                await session.execute(sa.update(_check_ins).where(mine).values(version=_check_ins.c.version + 1))
                await asyncio.sleep(0)
            await alarms.raised(scene.resident, kind=AlarmKind.CONCERN)

    async def read() -> None:
        while not done.is_set():
            await app.ask(limit=1)

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(4)))
    done.set()
    await reader
    await app.sync()
    fresh = await own_app(client, scene.resident)
    await fresh.sync()
    assert app.held == fresh.held
