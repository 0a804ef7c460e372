"""Reads, creates, updates and patches on conditions, and what is refused of them."""

from typing import Any, Final

import httpx
import pytest

from app.fhir.patches import patched
from app.fhir.problems import BadResource, NotProcessable
from tests.factories import fhir
from tests.factories.fhir import Scene
from tests.fhir.valid import refused, resources, valid

ROOT: Final = "/fhir/R4"
APPOINTMENT: Final = f"{ROOT}/Appointment"
PATCH: Final = {"Content-Type": "application/json-patch+json"}


async def test_what_is_known_is_not_read_again(client: httpx.AsyncClient, scene: Scene) -> None:
    address = f"{ROOT}/Patient/{scene.resident.id}"
    read = await client.get(address, headers=scene.system)
    tag, at = read.headers["etag"], read.headers["last-modified"]
    for headers, status in (
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": tag.removeprefix("W/")}, 304),
        ({"If-None-Match": f'"x", {tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"99"'}, 200),
        ({"If-Modified-Since": at}, 304),
        ({"If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT"}, 304),
        ({"If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": 'W/"99"', "If-Modified-Since": at}, 200),
    ):
        answer = await client.get(address, headers=scene.system | headers)
        assert (answer.status_code, bool(answer.content)) == (status, status == 200), headers


async def test_creating_on_a_condition_creates_once(client: httpx.AsyncClient, scene: Scene) -> None:
    slots = await fhir.slots(client, scene, schedule=scene.schedule)

    async def create(number: int, condition: str) -> httpx.Response:
        headers = scene.system | {"If-None-Exist": condition}
        return await client.post(APPOINTMENT, json=fhir.wanted(scene, slots[number]), headers=headers)

    mine = f"patient={scene.resident.id}"
    made = valid(await create(0, mine), 201)
    again = await create(1, f"?{mine}")
    assert valid(again) == made
    assert again.headers["location"].endswith(f"/Appointment/{made['id']}/_history/{made['meta']['versionId']}")
    assert valid(await create(1, f"{mine}&date=2027"), 201)["id"] != made["id"]
    (issue,) = refused(await create(2, mine), 412)
    assert (issue["code"], issue["location"]) == ("multiple-matches", ["http.If-None-Exist"])
    for condition in ("", "colour=red", "_count=1", "date=soon", f"{mine}&_include=Appointment:patient"):
        assert refused(await create(2, condition), 400)[0]["location"] == ["http.If-None-Exist"], condition
    assert len(resources(valid(await client.get(APPOINTMENT, headers=scene.system)))) == 2


async def test_updating_on_a_condition_updates_the_one(client: httpx.AsyncClient, scene: Scene) -> None:
    slots = await fhir.slots(client, scene, schedule=scene.schedule)
    mine = {"patient": str(scene.resident.id), "status:not": "cancelled"}

    async def put(document: dict[str, Any], **headers: str) -> httpx.Response:
        return await client.put(APPOINTMENT, params=mine, json=document, headers=scene.system | headers)

    assert refused(await put(fhir.wanted(scene, slots[0], id="x")), 422)[0]["expression"] == ["Appointment.id"]
    made = valid(await put(fhir.wanted(scene, slots[0])), 201)
    stale = await put(made | {"status": "cancelled"}, **{"If-Match": 'W/"9"'})
    refused(stale, 412)
    called_off = valid(await put({**made, "status": "cancelled"}))
    assert (called_off["id"], called_off["status"]) == (made["id"], "cancelled")
    for number in (1, 2):
        await fhir.book(client, scene, number)
    assert refused(await put(fhir.wanted(scene, slots[3])), 412)[0]["code"] == "multiple-matches"
    assert refused(await client.put(APPOINTMENT, json=made, headers=scene.system), 400)[0]["code"] == "required"


async def test_a_patch_changes_what_it_names(client: httpx.AsyncClient, scene: Scene) -> None:
    booked = await fhir.book(client, scene)
    address, tag = f"{APPOINTMENT}/{booked['id']}", f'W/"{booked["meta"]["versionId"]}"'

    async def patch(*operations: dict[str, Any], **headers: str) -> httpx.Response:
        return await client.patch(address, json=list(operations), headers=scene.system | PATCH | headers)

    cancel = {"op": "replace", "path": "/status", "value": "cancelled"}
    refused(await patch(cancel, **{"If-Match": 'W/"99"'}), 412)
    refused(await patch({"op": "test", "path": "/status", "value": "pending"}, cancel), 422)
    assert refused(await patch({"op": "remove", "path": "/status"}), 400)[0]["expression"] == ["Appointment.status"]
    other = await patch({"op": "replace", "path": "/id", "value": str(scene.resident.id)})
    assert refused(other, 422)[0]["expression"] == ["Appointment.id"]
    noted = await patch({"op": "add", "path": "/comment", "value": "x"})
    assert refused(noted, 422)[0]["expression"] == ["Appointment.comment"]
    done = valid(await patch({"op": "test", "path": "/status", "value": "booked"}, cancel, **{"If-Match": tag}))
    assert (done["status"], done["id"]) == ("cancelled", booked["id"])
    fhir_path = await client.patch(address, json={"resourceType": "Parameters"}, headers=scene.system)
    assert "FHIRPath" in refused(fhir_path, 415)[0]["diagnostics"]
    unread = await client.patch(f"{APPOINTMENT}/{scene.doctor.id}", json=[cancel], headers=scene.system | PATCH)
    refused(unread, 404)


DOCUMENT: Final = {"a": [1, {"b": True}], "c~/d": "x"}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/a/1", "value": 2}], {**DOCUMENT, "a": [1, 2, {"b": True}]}),
        ([{"op": "add", "path": "/a/-", "value": 2}], {**DOCUMENT, "a": [1, {"b": True}, 2]}),
        ([{"op": "remove", "path": "/a/0"}], {**DOCUMENT, "a": [{"b": True}]}),
        ([{"op": "replace", "path": "/c~0~1d", "value": None}], {**DOCUMENT, "c~/d": None}),
        ([{"op": "move", "from": "/a/1/b", "path": "/b"}], {"a": [1, {}], "c~/d": "x", "b": True}),
        ([{"op": "copy", "from": "/a", "path": "/a/0"}], {**DOCUMENT, "a": [DOCUMENT["a"], 1, {"b": True}]}),
        ([{"op": "test", "path": "/a/1", "value": {"b": True}}], DOCUMENT),
        ([{"op": "replace", "path": "", "value": {}}], {}),
    ],
)
def test_a_patch_does_as_the_standard_says(operations: list[Any], expected: Any) -> None:
    assert patched(DOCUMENT, operations) == expected
    assert DOCUMENT == {"a": [1, {"b": True}], "c~/d": "x"}


@pytest.mark.parametrize(
    "operations",
    [
        None,
        {},
        [],
        [7],
        [{"op": "look", "path": "/a"}],
        [{"op": ["add"], "path": "/a", "value": 1}],
        [{"op": "add", "path": "/a"}],
        [{"op": "move", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": 7, "value": 1}],
        [{"op": "remove", "path": "/a/0"}] * 101,
    ],
)
def test_what_is_no_patch_is_refused(operations: Any) -> None:
    with pytest.raises(BadResource):
        patched(DOCUMENT, operations)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/a/3", "value": 1},
        {"op": "add", "path": "/a/01", "value": 1},
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "add", "path": "/c~0~1d/x", "value": 1},
        {"op": "remove", "path": "/x"},
        {"op": "remove", "path": "/a/-"},
        {"op": "remove", "path": "/a/2"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/x/y", "value": 1},
        {"op": "replace", "path": "", "value": []},
        {"op": "move", "from": "/a", "path": "/a/0"},
        {"op": "test", "path": "/a/1/b", "value": 1},
    ],
)
def test_a_patch_that_does_not_fit_is_refused(operation: Any) -> None:
    with pytest.raises(NotProcessable):
        patched(DOCUMENT, [operation])
