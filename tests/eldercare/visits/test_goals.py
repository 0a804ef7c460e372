"""Goals of a care plan: agreed, followed, judged, named by tasks, and told on the timeline."""

import importlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.sealing import seal, unseal
from eldercare.goals.models import DESCRIPTION, GOALS
from eldercare.goals.rules import ACHIEVEMENTS, LIFECYCLES, OPEN, TRANSITIONS
from eldercare.visits.models import CARE_PLANS, CONTENT
from tests.eldercare.visits.conftest import Phone, PhoneOf, Scene
from tests.factories import eldercare_visits as made


def url(scene: Scene, *more: object) -> str:
    return "/".join([f"/residents/{scene.resident.id}/goals", *map(str, more)])


def plan_url(scene: Scene) -> str:
    return f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}"


async def first(nora: Phone, scene: Scene) -> Any:
    return (await nora("GET", plan_url(scene)))["goals"][0]


async def test_a_goal_from_agreed_to_achieved_with_all_that_was_said_of_it(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, grace = await phone_of(scene.coordinator), await phone_of(scene.resident)
    body = {
        "care_plan_id": str(scene.plan.id),
        "description": "Blood pressure as agreed",
        "priority": "high-priority",
        "lifecycle_status": "proposed",
        "target": {"measure": "8480-6", "low": 110, "high": 135, "due_on": "2026-06-01"},
    }
    goal = await nora("POST", url(scene), body, expect=201)
    assert goal["target"] == {
        "measure": "8480-6",
        "value": None,
        "low": 110,
        "high": 135,
        "unit": "mm[Hg]",
        "due_on": "2026-06-01",
    }
    of_goal = url(scene, goal["id"])
    early = await nora("POST", f"{of_goal}/achievement", {"achievement_status": "improving"}, expect=409)
    assert (early["code"], early["lifecycle_status"]) == ("goal_not_open", "proposed")
    await nora("POST", f"{of_goal}/status", {"lifecycle_status": "active", "note": "She wants to"})
    await nora("POST", f"{of_goal}/achievement", {"achievement_status": "improving", "judged_on": "2026-03-02"})
    clock.set(clock.now().replace(day=20))
    await nora("POST", f"{of_goal}/achievement", {"achievement_status": "achieved", "note": "Three weeks now"})
    # What is said late of a day before does not undo what was seen since.
    seen = await nora("POST", f"{of_goal}/achievement", {"achievement_status": "worsening", "judged_on": "2026-03-10"})
    assert (seen["achievement_status"], seen["judged_on"]) == ("achieved", "2026-03-20")
    assert seen["judged_by"] == str(scene.coordinator.id)
    done = await nora("POST", f"{of_goal}/status", {"lifecycle_status": "completed"})
    assert await nora("POST", f"{of_goal}/status", {"lifecycle_status": "completed"}) == done
    said = [(one["lifecycle_status"] or one["achievement_status"], one["note"]) for one in done["changes"]]
    assert said == [
        ("completed", None),
        ("worsening", None),
        ("achieved", "Three weeks now"),
        ("improving", None),
        ("active", "She wants to"),
        ("proposed", None),
    ]
    await nora("PUT", of_goal, {"description": "Something else"}, expect=409)
    mine = await grace("GET", f"/me/goals/{goal['id']}")
    assert mine == done
    assert (await grace("GET", "/me/goals"))["items"][0]["id"] == goal["id"]

    told = await grace("GET", "/me/timeline?kind=goal_changed&kind=goal_judged")
    texts = [item["text"] for item in told["items"]]
    assert texts[:3] == ["A goal is completed.", "A goal was judged: worsening.", "A goal was judged: achieved."]
    assert not any("pressure" in text for text in texts)  # what somebody wrote is not in it


async def test_what_is_said_of_a_goal_is_sealed(scene: Scene) -> None:
    async with reading() as connection:
        row = (await connection.execute(sa.select(GOALS))).one()
    assert "shop" not in row.description
    assert unseal(row.description, DESCRIPTION) == "Walks to the shop"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"measure": "8480-6"}, "nothing to reach"),
        ({"value": 3}, "nothing measured"),
        ({}, "nothing at all"),
        ({"measure": "8480-6", "value": 5000}, "no body shows it"),
        ({"measure": "8480-6", "low": 140, "high": 120}, "the wrong way round"),
        ({"measure": "8480-6", "value": 120, "high": 130}, "a value and a range"),
        ({"measure": "67775-7", "value": 1}, "a letter"),
        ({"measure": "happiness", "value": 1}, "not measured here"),
    ],
)
async def test_a_target_is_something_that_can_be_reached(
    target: dict[str, Any], code: str, scene: Scene, phone_of: PhoneOf
) -> None:
    nora = await phone_of(scene.coordinator)
    body = {"care_plan_id": str(scene.plan.id), "description": "Better", "target": target}
    assert (await nora("POST", url(scene), body, expect=422))["code"], code
    mood = {"measure": "mood", "value": 4}
    made_one = await nora("POST", url(scene), body | {"target": mood}, expect=201)
    assert made_one["target"] == {"low": None, "high": None, "due_on": None, "unit": "of_5"} | mood


async def test_days_on_which_nobody_can_have_judged_it_are_refused(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    goal = await first(nora, scene)
    for day in ("2026-03-03", "2026-02-20"):
        body = {"achievement_status": "improving", "judged_on": day}
        refused = await nora("POST", url(scene, goal["id"], "achievement"), body, expect=422)
        assert refused["errors"][0]["pointer"] == "/body/judged_on"


async def test_tasks_name_the_goal_they_serve_and_visits_say_so(scene: Scene, phone_of: PhoneOf) -> None:
    await made.template(scene.plan)
    visit = (await made.visits(scene.resident))[0]
    nora = await phone_of(scene.coordinator)
    goal = await first(nora, scene)
    tasks = [{"text": "Walk to the shop together", "goal_id": goal["id"]}, {"text": "Breakfast"}]
    changed = await nora("PUT", plan_url(scene), {"title": "At home", "tasks": tasks})
    assert [task["goal_id"] for task in changed["tasks"]] == [goal["id"], None]
    shown = await nora("GET", f"/residents/{scene.resident.id}/care-visits/{visit.id}")
    assert [task["goal_id"] for task in shown["tasks"]] == [goal["id"], None]
    await nora("POST", url(scene, goal["id"], "status"), {"lifecycle_status": "completed"})
    read = await nora("GET", plan_url(scene))
    written = await nora("PUT", plan_url(scene), {"title": read["title"], "tasks": read["tasks"]})
    assert (written["tasks"], written["goals"]) == (read["tasks"], read["goals"])
    stray = [{"text": "Walk", "goal_id": str(scene.plan.id)}]
    refused = await nora("PUT", plan_url(scene), {"title": "At home", "tasks": stray}, expect=422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/body/tasks/0/goal_id", "unknown_goal")]


async def test_the_end_of_a_plan_gives_its_goals_up_and_nothing_of_them_changes_any_more(
    scene: Scene, phone_of: PhoneOf
) -> None:
    nora = await phone_of(scene.coordinator)
    goal = await first(nora, scene)
    await nora("DELETE", plan_url(scene), expect=204)
    assert (await nora("GET", url(scene, goal["id"])))["lifecycle_status"] == "cancelled"
    again = await nora("POST", url(scene, goal["id"], "status"), {"lifecycle_status": "active"}, expect=409)
    assert again["code"] == "care_plan_ended"


async def test_only_the_agency_writes_and_a_stale_change_is_refused(scene: Scene, phone_of: PhoneOf) -> None:
    nora, cai, grace = [await phone_of(one) for one in (scene.coordinator, scene.carer, scene.resident)]
    goal = await first(nora, scene)
    for phone in (cai, grace):
        await phone("PUT", url(scene, goal["id"]), {"description": "Mine"}, expect=403)
    await nora("PUT", url(scene, goal["id"]), {"description": "Walks to the park"}, headers={"If-Match": '"1"'})
    stale = {"If-Match": '"1"'}
    await nora("PUT", url(scene, goal["id"]), {"description": "Walks far"}, expect=412, headers=stale)
    assert (await first(nora, scene))["description"] == "Walks to the park"


async def test_a_plan_has_as_many_goals_as_somebody_can_follow(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    body = {"care_plan_id": str(scene.plan.id), "description": "One more"}
    for _ in range(19):
        await nora("POST", url(scene), body, expect=201)
    assert (await nora("POST", url(scene), body, expect=409))["code"] == "too_many_goals"
    given_up = url(scene, (await first(nora, scene))["id"], "status")
    await nora("POST", given_up, {"lifecycle_status": "cancelled"})
    await nora("POST", url(scene), body, expect=201)
    again = await nora("POST", given_up, {"lifecycle_status": "active"}, expect=409)
    assert again["code"] == "too_many_goals"


def test_whatever_is_open_can_be_given_up_and_what_was_entered_in_error_is_over() -> None:
    assert set(TRANSITIONS) == set(LIFECYCLES)
    assert all({"cancelled", "entered-in-error"} <= TRANSITIONS[status] for status in OPEN)
    assert all(TRANSITIONS[status] for status in LIFECYCLES if status != "entered-in-error")
    assert not TRANSITIONS["entered-in-error"]
    assert len(ACHIEVEMENTS) == 9


async def test_texts_from_before_become_goals_and_back(database: Database, scene: Scene) -> None:
    """The migration's own steps, over plans as they were written before."""
    migration = importlib.import_module("app.migrations.versions.0017_goals_and_tolerances")
    goal_id, shared = clocks.new_id(), clocks.new_id()
    before = {
        "title": "At home",
        "goals": [{"id": str(goal_id), "text": "Cooks again"}, {"id": str(shared), "text": "Sleeps through"}],
        "tasks": [],
    }
    ended = await made.care_plan(scene.resident, scene.agency)
    async with unit_of_work() as session:
        await session.execute(sa.text("DELETE FROM eldercare_goal_change"))
        await session.execute(sa.text("DELETE FROM eldercare_goal"))
        texts = seal(orjson.dumps(before).decode(), CONTENT)
        await session.execute(sa.update(CARE_PLANS).where(CARE_PLANS.c.id == scene.plan.id).values(content=texts))
        other = before | {"goals": [{"id": str(shared), "text": "Sleeps at all"}]}
        texts = seal(orjson.dumps(other).decode(), CONTENT)
        over = {"content": texts, "state": "ended", "ended_at": ended.created_at, "ended_by": ended.created_by}
        await session.execute(sa.update(CARE_PLANS).where(CARE_PLANS.c.id == ended.id).values(over))

    async def run(step: Callable[[], None]) -> None:
        def migrate(connection: sa.Connection) -> None:
            with Operations.context(MigrationContext.configure(connection)):
                step()

        async with unit_of_work() as session:
            await (await session.connection()).run_sync(migrate)

    await run(migration._goals_become_rows)
    found = {unseal(row.description, DESCRIPTION): row for row in await made.goals(scene.resident)}
    assert set(found) == {"Cooks again", "Sleeps through", "Sleeps at all"}
    assert found["Cooks again"].id == goal_id
    assert [found[text].lifecycle_status for text in ("Cooks again", "Sleeps at all")] == ["active", "cancelled"]
    async with reading() as connection:
        (content,) = await connection.scalars(sa.select(CARE_PLANS.c.content).where(CARE_PLANS.c.id == scene.plan.id))
        changes = await connection.scalar(sa.text("SELECT count(*) FROM eldercare_goal_change"))
    assert "goals" not in orjson.loads(unseal(content, CONTENT))
    assert changes == 4  # of the one that ended also that it did
    await run(migration._goals_become_texts)
    async with reading() as connection:
        (content,) = await connection.scalars(sa.select(CARE_PLANS.c.content).where(CARE_PLANS.c.id == scene.plan.id))
    texts_again = {goal["text"] for goal in orjson.loads(unseal(content, CONTENT))["goals"]}
    assert texts_again == {"Cooks again", "Sleeps through"}
