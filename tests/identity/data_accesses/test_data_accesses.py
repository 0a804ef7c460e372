"""Who looked at my data: told in plain words, to the resident and who acts for them."""

import ast
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.consent.texts import LANGUAGES
from app.identity.data_accesses.texts import is_reading, tell
from app.identity.models import Membership, Resident
from eldercare.alarms.models import Severity
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

PATH = "/v1/me/data-accesses"


async def test_a_resident_sees_who_looked_and_who_changed(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    resident = scene.resident
    alarm = await alarms.raised(resident)
    own, desk = await sign_in_resident(resident), await sign_in(scene.desk)
    await client.get("/v1/me/alarms", headers=own)
    friend = {"account_id": str(scene.desk.id), "scopes": ["vitals:read"]}
    assert (await client.post("/v1/me/grants", headers=own, json=friend)).status_code == 201
    await client.get(f"/v1/alarms/{alarm.id}", headers=desk)
    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=desk)
    await client.get(f"/v1/residents/{resident.id}/alarms", headers=await sign_in(scene.circle[0]))

    items = (await client.get(PATH, headers=own)).json()["items"]

    assert [(item["name"], item["action"]) for item in items] == [
        ("Relative 1", "alarm:list"),
        ("Desk", "alarm:acknowledged"),
        ("Desk", "alarm:read"),
        (None, "alarm:raise"),
    ]
    assert items[0]["explanation"] == "Relative 1 looked at an alarm of yours."
    assert (items[1]["organizations"], items[1]["is_reading"]) == (["Operator"], False)
    assert items[3]["explanation"].startswith("Hearthline itself")
    chinese = (await client.get(PATH, headers=own | {"Accept-Language": "zh-CN"})).json()["items"]
    assert chinese[2]["explanation"] == "Desk查看了您的警报。"
    only = (await client.get(PATH, headers=own, params={"only_reading": True, "limit": 1})).json()
    assert [item["action"] for item in only["items"]] == ["alarm:list"]
    rest = (await client.get(PATH, headers=own, params={"only_reading": True, "cursor": only["next"]})).json()
    assert [item["action"] for item in rest["items"]] == ["alarm:read"]


async def test_who_reads_it_for_the_resident_is_in_it(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    path = f"/v1/residents/{scene.resident.id}/data-accesses"
    proxy = await identity.account(scene.community, name="Proxy")
    await identity.grant(scene.resident, proxy, ["grants:manage"], kind="proxy")
    assert (await client.get(path, headers=await sign_in(proxy))).status_code == 200
    assert (await client.get(path, headers=await sign_in(scene.circle[0]))).status_code == 403
    assert (await client.get(path, headers=await sign_in(scene.desk))).status_code == 403
    own = await sign_in_resident(scene.resident)
    (item,) = (await client.get(PATH, headers=own)).json()["items"]
    assert (item["name"], item["action"]) == ("Proxy", "data_access:list")


async def test_who_looked_did_so_for_whom_they_worked_for_then(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    agency = await identity.organization(scene.community, "care_agency", name="Day Care")
    await identity.agreement(agency, None, scene.resident)
    carer = await identity.account(scene.community, name="Carer")
    first = await identity.membership(agency, carer, "carer")
    path = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(path, headers=await sign_in(carer))).status_code == 200
    clock.advance(timedelta(days=1))
    async with unit_of_work() as session:
        (await session.get_one(Membership, first.id)).ended_at = clocks.now()
    clock.advance(timedelta(days=1))
    await identity.membership(scene.operator, carer, "dispatcher")
    assert (await client.get(path, headers=await sign_in(carer))).status_code == 200

    own = await sign_in_resident(scene.resident)
    items = (await client.get(PATH, headers=own)).json()["items"]

    assert [(item["name"], item["organizations"]) for item in items] == [
        ("Carer", ["Operator"]),
        ("Carer", ["Day Care"]),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_words_of_its_own_is_told_all_the_same(language: str) -> None:
    for kind in ("account", "client", "device", "system"):
        said = tell(language, "something_new:do", kind, None)
        assert said
        assert "{" not in said


def actions_of_reads() -> set[str]:
    """Return what reading statements, and routes that only show something, leave in the trail."""
    found: set[str] = set()
    for path in (
        path for package in ("app", "eldercare", "telemedicine", "community") for path in Path(package).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("traced", "traced_each")):
                found |= _actions(node)
            elif isinstance(node, ast.AsyncFunctionDef) and any(map(_is_get, node.decorator_list)):
                for call in ast.walk(node):
                    if isinstance(call, ast.Call) and ast.unparse(call.func) in ("audit.record", "trace"):
                        found |= _actions(call)
    return found


def _is_get(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith(("router.get(", "router.resident_route('GET'"))


def _actions(call: ast.Call) -> set[str]:
    given = (one.value for one in call.args if isinstance(one, ast.Constant))
    return {value for value in given if isinstance(value, str) and ":" in value}


def test_whoever_looks_is_told_to_have_looked() -> None:
    reads = actions_of_reads()
    assert {"alarm:list", "visit:read", "vitals:series"} <= reads
    # The one statement that stores a measurement records that, too.
    assert {action for action in reads if not is_reading(action)} == {"vitals:record"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_looked_at_has_words_of_its_own(language: str) -> None:
    of_nobody = {"day_plan", "report", "route_plan", "timesheet", "notice"}
    things = {action.partition(":")[0] for action in actions_of_reads()} - of_nobody | {"positions", "safe_zones"}
    general = tell(language, "something_new:read", "account", None)
    assert {"alarm", "residents", "visits"} <= things
    assert {thing for thing in things if tell(language, f"{thing}:read", "account", None) == general} == set()


async def test_lists_over_many_residents_are_told_to_each_of_them(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene(circle=0)
    other = await identity.resident(scene.community, name="Walter", phone="+8613800000071")
    hidden = await identity.resident(scene.community, name="Wilma", phone="+8613800000072")
    people = (scene.resident, other, hidden)
    for person, severity in zip(people, (Severity.HIGH, Severity.MEDIUM, Severity.LOW), strict=True):
        await alarms.raised(person, severity=severity)
        await check_ins.plan(person)
    desk = await sign_in(scene.desk)
    today = clock.now().date().isoformat()
    for url in ("/v1/duty-desk/queue?limit=2", "/v1/alarms?limit=2", f"/v1/check-ins?date={today}"):
        answer = await client.get(url, headers=desk)
        assert answer.status_code == 200, answer.text
        shown = [item["resident_id"] for item in answer.json()["items"]]
        assert len(shown) >= 2, url

    async def seen_by(person: Resident) -> list[tuple[str, str]]:
        own = await sign_in_resident(person)
        items = (await client.get(PATH, headers=own, params={"only_reading": True})).json()["items"]
        return sorted((item["name"], item["action"]) for item in items)

    lists = [("Desk", "alarm:desk_queue"), ("Desk", "alarm:queue"), ("Desk", "check_ins:list_day")]
    assert await seen_by(scene.resident) == lists
    assert await seen_by(other) == lists
    assert await seen_by(hidden) == lists[2:]  # there is more than the page of two that was shown


async def test_a_report_by_resident_is_told_to_each_of_them(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    alarm = await alarms.raised(scene.resident)
    desk = await sign_in(scene.desk)
    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=desk)
    await client.post(f"/v1/alarms/{alarm.id}/resolution", headers=desk, json={"outcome": "false_alarm"})
    chief = await sign_in(await identity.staff(scene.operator, "operator", name="Olga", phone="+8613800000073"))
    period = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    for per in ("rule", "resident"):
        answer = await client.get("/v1/reports/false-alarms", headers=chief, params={**period, "per": per})
        assert answer.status_code == 200, answer.text
    items = (await client.get(PATH, headers=await sign_in_resident(scene.resident))).json()["items"]
    assert [item["action"] for item in items if item["name"] == "Olga"] == ["alarm:false_alarms"]
