"""Who looked at my data: told in plain words, to the resident and who acts for them."""

import ast
from pathlib import Path

import httpx
import pytest

from app.identity.consent.texts import LANGUAGES
from app.identity.data_accesses.texts import is_reading, tell
from tests.factories import eldercare_alarms as alarms
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_words_of_its_own_is_told_all_the_same(language: str) -> None:
    for kind in ("account", "client", "device", "system"):
        said = tell(language, "something_new:do", kind, None)
        assert said
        assert "{" not in said


def actions_of_reads() -> set[str]:
    """Return what reading statements, and routes that only show something, leave in the trail."""
    found: set[str] = set()
    for path in (*Path("app").rglob("*.py"), *Path("eldercare").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("traced"):
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
