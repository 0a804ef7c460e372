"""What residents, those they let see it, and everybody else are shown of well-being."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.core.jobs import settle
from app.identity.models import Account, Community, Resident
from eldercare.check_ins.jobs import JOBS as CHECK_IN_JOBS
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_wellbeing as made
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("database")

TODAY = date(2026, 4, 20)
NOW = datetime(2026, 4, 20, 12, 0, tzinfo=UTC)
Headers = dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def place(database: Database, clock: ManualClock) -> Community:
    """Return a community that lives by UTC, at noon."""
    clock.set(NOW)
    return await identity.community(time_zone="UTC")


@pytest_asyncio.fixture(loop_scope="session")
async def resident(place: Community) -> Resident:
    """Return a resident."""
    return await identity.resident(place, phone="+8613800000001")


async def granted(resident: Resident, place: Community, *scopes: str, kind: str = "consent") -> tuple[Account, Headers]:
    """Return somebody who was granted these scopes, and how they are signed in."""
    person = await identity.account(place, name="Daughter")
    await identity.grant(resident, person, list(scopes), kind=kind)
    return person, await sign_in(person)


async def test_a_trend_shows_each_local_day_and_what_is_missing_as_missing(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    plan = await made.plan(resident)
    await made.answered(plan, TODAY - timedelta(days=1), mood=[4] * 28 + [None, 2, 2, 3, 2, None, 2])
    headers = await sign_in_resident(resident)

    trend = (await client.get("/v1/me/wellbeing/trend?measure=mood&days=8", headers=headers)).json()

    assert [(day["day"], day["value"], day["count"]) for day in trend["days"]] == [
        ("2026-04-13", None, 0),
        ("2026-04-14", 2.0, 1),
        ("2026-04-15", 2.0, 1),
        ("2026-04-16", 3.0, 1),
        ("2026-04-17", 2.0, 1),
        ("2026-04-18", None, 0),
        ("2026-04-19", 2.0, 1),
        ("2026-04-20", None, 0),
    ]
    assert (trend["standing"], trend["recent"], trend["usual"]) == ("drifting", 2.0, 4.0)
    assert trend["text"] == (
        "In the last 7 days mood was mostly 2 of 5, in the 4 weeks before mostly 4: a reason to ask, not a diagnosis."
    )
    chinese = {**headers, "Accept-Language": "zh-CN"}
    said = (await client.get("/v1/me/wellbeing/trend?measure=mood", headers=chinese)).json()["text"]
    assert said == "最近 7 天心情多为 2 分（满分 5 分），之前 4 周多为 4 分：值得关心询问，并非诊断。"


async def test_without_days_it_is_not_enough_data_and_never_usual(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    headers = await sign_in_resident(resident)
    for measure in ("mood", "sleep", "activity", "adherence"):
        trend = (await client.get(f"/v1/me/wellbeing/trend?measure={measure}", headers=headers)).json()
        assert (trend["standing"], trend["recent"], trend["usual"]) == ("not_enough_data", None, None)
        assert trend["text"].startswith("Not enough data: something is known of 0 of the last 7 days")
        assert len(trend["days"]) == 42
    assert (await client.get("/v1/me/wellbeing/trend?measure=weight", headers=headers)).status_code == 422


async def test_an_answer_says_how_the_person_is(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    questions = [{"key": "night", "kind": "sleep"}, {"key": "how", "kind": "mood"}]
    plan = await check_ins.plan(resident, channel="call_in", times=["12:30"], questions=questions, reminders=[])
    clock.advance(timedelta(minutes=30))
    await settle(CHECK_IN_JOBS)
    (asked, *_) = await check_ins.check_ins(resident)
    headers = await sign_in_resident(resident)
    path = f"/v1/me/check-ins/{asked.id}"
    for wrong in ({"mood": 0}, {"mood": 6}, {"sleep": "good"}, {"sleep": 2.5}, {"mood": True}):
        answer = await client.post(f"{path}/answer", headers=headers, json={"status": "ok", **wrong})
        assert answer.status_code == 422, wrong

    clock.advance(timedelta(minutes=7))
    body = {"status": "ok", "mood": 2, "answers": {"night": 4, "how": 5}}
    said = (await client.post(f"{path}/answer", headers=headers, json=body)).json()

    assert (said["mood"], said["sleep"]) == (2, 4), "said beside the plan's questions; else the answer to one of them"
    assert (await client.get(path, headers=headers)).json()["mood"] == 2
    assert plan.id == asked.plan_id
    found = {}
    for measure in ("mood", "sleep", "activity", "adherence"):
        trend = (await client.get(f"/v1/me/wellbeing/trend?measure={measure}", headers=headers)).json()
        found[measure] = trend["days"][-1]["value"]
    assert found == {"mood": 2.0, "sleep": 4.0, "activity": 7.0, "adherence": None}


async def test_a_call_for_help_keeps_what_was_said_before(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    await check_ins.plan(resident, channel="call_in", times=["12:30"], reminders=[])
    clock.advance(timedelta(minutes=31))
    await settle(CHECK_IN_JOBS)
    (asked, *_) = await check_ins.check_ins(resident)
    headers = await sign_in_resident(resident)
    path = f"/v1/me/check-ins/{asked.id}/answer"
    await client.post(path, headers=headers, json={"status": "ok", "mood": 3})
    said = (await client.post(path, headers=headers, json={"status": "needs_help", "sleep": 1})).json()
    assert (said["answer"], said["mood"], said["sleep"]) == ("needs_help", 3, 1)


async def test_flags_are_seen_to_by_those_who_may(
    client: httpx.AsyncClient, place: Community, resident: Resident, clock: ManualClock
) -> None:
    daughter, headers = await granted(resident, place, "wellbeing:read", "wellbeing:manage")
    _, reader = await granted(resident, place, "wellbeing:read")
    flag = await made.flag(resident)
    over = await made.flag(resident, measure="sleep", state="ended", ended_at=clock.now(), end_reason="as_usual")
    path = f"/v1/residents/{resident.id}/wellbeing/flags"
    current = (await client.get(path, headers=reader)).json()["items"]
    assert [(one["id"], one["state"], one["unit"]) for one in current] == [(str(flag.id), "open", "of_5")]
    assert current[0]["text"].endswith("a reason to ask, not a diagnosis.")
    past = (await client.get(f"{path}?show=past", headers=reader)).json()["items"]
    assert [one["id"] for one in past] == [str(over.id)]
    one_by_one = (await client.get(f"{path}?show=all&limit=1", headers=reader)).json()
    assert (await client.get(f"{path}?show=all&cursor={one_by_one['next']}", headers=reader)).json()["next"] is None

    assert (await client.post(f"{path}/{flag.id}/acknowledgement", headers=reader)).status_code == 403
    for _ in range(2):
        seen = (await client.post(f"{path}/{flag.id}/acknowledgement", headers=headers)).json()
        assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", str(daughter.id))
    assert (await client.post(f"{path}/{flag.id}/dismissal", headers=headers)).json()["state"] == "dismissed"
    again = await client.post(f"{path}/{flag.id}/acknowledgement", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "wellbeing_flag_not_open")
    assert (await client.post(f"{path}/{over.id}/dismissal", headers=headers)).status_code == 409
    other = await identity.resident(place)
    theirs = await made.flag(other)
    assert (await client.post(f"{path}/{theirs.id}/dismissal", headers=headers)).status_code == 404
    async with reading() as connection:
        done = sa.text("SELECT action FROM core_audit_entry WHERE action LIKE 'wellbeing:%' ORDER BY at, id")
        actions = set(await connection.scalars(done))
    assert actions == {"wellbeing:list_flags", "wellbeing:acknowledge", "wellbeing:dismiss"}


async def test_it_is_seen_by_the_person_and_their_proxy_and_nobody_else(
    client: httpx.AsyncClient, place: Community, resident: Resident, clock: ManualClock
) -> None:
    _, proxy = await granted(resident, place, "wellbeing:read", "wellbeing:manage", kind="proxy")
    _, nurse = await granted(resident, place, "check_ins:read", "medication:read", "vitals:read")
    stranger = await sign_in(await identity.account(place))
    own = await sign_in_resident(resident)
    of = f"/v1/residents/{resident.id}/wellbeing"
    for path in ("trend?measure=mood", "flags"):
        assert (await client.get(f"/v1/me/wellbeing/{path}", headers=own)).status_code == 200
        assert (await client.get(f"{of}/{path}", headers=proxy)).status_code == 200
        assert (await client.get(f"{of}/{path}", headers=nurse)).status_code == 403
        assert (await client.get(f"{of}/{path}", headers=stranger)).status_code == 404


async def test_the_timeline_tells_of_flags_to_those_who_may_see_them(
    client: httpx.AsyncClient, place: Community, resident: Resident, clock: ManualClock
) -> None:
    _, reader = await granted(resident, place, "wellbeing:read")
    _, other = await granted(resident, place, "check_ins:read")
    await made.flag(
        resident, state="ended", ended_at=clock.now() + timedelta(minutes=1), end_reason="as_usual", measure="activity"
    )
    clock.advance(timedelta(minutes=2))
    path = f"/v1/residents/{resident.id}/timeline"
    items = (await client.get(path, headers=reader)).json()["items"]
    assert [(item["kind"], item["text"]) for item in items] == [
        ("wellbeing_ended", "A change in their days is over, or has become usual."),
        ("wellbeing_flagged", "Check-ins take them longer than usual: a reason to ask."),
    ]
    assert (await client.get(path, headers=other)).json()["items"] == []
