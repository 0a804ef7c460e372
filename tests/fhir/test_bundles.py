"""Batches and transactions: each for itself, or all or none; what refers to what; what is refused, and where."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from app.core.access import Actor
from app.core.database import connection_of, unit_of_work
from app.core.settings import settings
from app.fhir import transactions
from app.fhir.negotiation import Preferences
from app.fhir.registry import Asked, Found, Query, Resource, writing
from app.fhir.served import BY_TYPE
from app.fhir.transactions import transaction
from tests.asking import statements
from tests.factories import fhir, identity, sign_in
from tests.factories.fhir import Scene
from tests.fhir.valid import refused, resources, valid

ROOT: Final = "/fhir/R4"
URN: Final = "urn:uuid:0f0f0f0f-0000-4000-8000-00000000000{}"
Json = dict[str, Any]


def reading(of: Scene, minute: int = 0, value: float = 97, **changes: Any) -> Json:
    """Return an Observation of the resident's oxygen."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2708-6"}]},
        "subject": {"reference": f"Patient/{of.resident.id}"},
        "effectiveDateTime": (datetime(2026, 3, 2, 6, tzinfo=UTC) + timedelta(minutes=minute)).isoformat(),
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "%"},
        **changes,
    }


def post(resource: Json, **more: Any) -> Json:
    """Return the entry that creates something."""
    request = {"method": "POST", "url": resource["resourceType"]} | more.pop("request", {})
    return {"resource": resource, "request": request, **more}


def get(url: str, **request: Any) -> Json:
    """Return the entry that reads or searches."""
    return {"request": {"method": "GET", "url": url, **request}}


async def send(
    client: httpx.AsyncClient, scene: Scene, kind: str, *entry: Json, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a Bundle as the clinic's system."""
    bundle = {"resourceType": "Bundle", "type": kind, **({"entry": list(entry)} if entry else {})}
    return await client.post(ROOT, json=bundle, headers=scene.system | (headers or {}))


def statuses(bundle: Json) -> list[str]:
    """Return how each entry went."""
    return [entry["response"]["status"] for entry in bundle.get("entry", [])]


async def kept(client: httpx.AsyncClient, scene: Scene, kind: str = "Observation") -> int:
    """Return how many there are of a kind of the resident's."""
    query = f"{ROOT}/{kind}?patient={scene.resident.id}&_summary=count"
    total: int = valid(await client.get(query, headers=scene.system))["total"]
    return total


async def test_a_batch_does_each_by_itself(client: httpx.AsyncClient, scene: Scene) -> None:
    slot, *_ = await fhir.slots(client, scene, schedule=scene.schedule)
    other = await identity.resident(scene.place, name="Walter")
    foreign = {"reference": f"Patient/{other.id}"}
    answer = await send(
        client,
        scene,
        "batch",
        post(reading(scene)),
        get(f"Patient/{scene.resident.id}"),
        post(fhir.wanted(scene, slot)),
        get("Patient?name=gra&colour=red"),
        post(fhir.wanted(scene, slot)),
        get("Patient/x"),
        post(reading(scene, 1, subject=foreign)),
        post(reading(scene, 2)),
        {"resource": reading(scene), "request": {"method": "DELETE", "url": "Observation/x"}},
        get("Medication/1"),
        post(reading(scene, 3, status="preliminary")),
        {"fullUrl": URN.format(9)},
    )
    bundle = valid(answer)
    assert bundle["type"] == "batch-response"
    expected = ["201", "200", "201", "200", "409", "404", "404", "201", "405", "400", "422", "400"]
    assert [status[:3] for status in statuses(bundle)] == expected
    entries = bundle["entry"]
    assert [entry["response"].get("outcome", {}).get("resourceType") for entry in entries] == [
        None if status < "400" else "OperationOutcome" for status in expected
    ]
    assert [issue["expression"] for issue in entries[10]["response"]["outcome"]["issue"]] == [
        ["Bundle.entry[10].resource.status"]
    ]
    assert entries[4]["response"]["outcome"]["issue"][0]["code"] == "conflict"
    assert entries[4]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[4]"]
    assert entries[2]["response"]["location"].endswith(f"/Appointment/{entries[2]['resource']['id']}/_history/2")
    assert entries[2]["response"]["etag"] == 'W/"2"'
    assert [one["id"] for one in resources(entries[3]["resource"])] == [str(scene.resident.id)]
    assert await kept(client, scene) == 2


async def test_a_transaction_is_all_or_nothing(client: httpx.AsyncClient, scene: Scene) -> None:
    slot, *_ = await fhir.slots(client, scene, schedule=scene.schedule)
    done = (post(fhir.wanted(scene, slot)), post(reading(scene)), post(reading(scene, 1)))
    wrong = await send(client, scene, "transaction", *done, post(fhir.wanted(scene, slot)))
    (issue,) = refused(wrong, 409)
    assert (issue["code"], issue["expression"]) == ("conflict", ["Bundle.entry[3]"])
    high = await send(client, scene, "transaction", *done, post(reading(scene, 2, value=970)), post(reading(scene, 3)))
    assert [issue["expression"] for issue in refused(high, 422)] == [["Bundle.entry[3].resource"]]
    other = await identity.resident(scene.place, name="Walter")
    foreign = post(reading(scene, 4, subject={"reference": f"Patient/{other.id}"}))
    (issue,) = refused(await send(client, scene, "transaction", *done, foreign), 404)
    assert (issue["code"], issue["expression"]) == ("not-found", ["Bundle.entry[3].resource"])
    assert await kept(client, scene) == await kept(client, scene, "Appointment") == 0
    key = {"Idempotency-Key": "a-transaction"}
    bundle = valid(await send(client, scene, "transaction", get(f"Slot/{slot['id']}"), *done, headers=key))
    assert bundle["type"] == "transaction-response"
    assert statuses(bundle) == ["200 OK", "201 Created", "201 Created", "201 Created"]
    assert bundle["entry"][0]["resource"]["status"] == "busy"  # read after all was done
    again = valid(await send(client, scene, "transaction", get(f"Slot/{slot['id']}"), *done, headers=key))
    assert again == bundle
    assert (await kept(client, scene), await kept(client, scene, "Appointment")) == (2, 1)


async def test_entries_refer_to_each_other(client: httpx.AsyncClient, scene: Scene) -> None:
    slot, *_ = await fhir.slots(client, scene, schedule=scene.schedule)
    answer = await send(
        client,
        scene,
        "transaction",
        post(reading(scene, subject={"reference": "Patient?name=gra"}), fullUrl=URN.format(1)),
        get(f"Appointment?_id={URN.format(2)}"),
        post(fhir.wanted(scene, slot), fullUrl=URN.format(2), request={"ifNoneExist": f"patient={scene.resident.id}"}),
        post(
            fhir.wanted(scene, slot),
            fullUrl=URN.format(3),
            request={"ifNoneExist": f"patient={scene.resident.id}&_id={URN.format(2)}"},
        ),
    )
    bundle = valid(answer)
    assert statuses(bundle) == ["201 Created", "200 OK", "201 Created", "200 OK"]
    made = bundle["entry"][2]["resource"]
    assert [one["id"] for one in resources(bundle["entry"][1]["resource"])] == [made["id"]]
    assert bundle["entry"][3]["resource"]["id"] == made["id"]
    assert bundle["entry"][0]["resource"]["subject"] == {"reference": f"Patient/{scene.resident.id}"}


@pytest.mark.parametrize(
    ("changes", "status", "place"),
    [
        ({"type": "searchset"}, 400, "Bundle.type"),
        ({"type": None}, 400, "Bundle.type"),
        ({"resourceType": "Patient"}, 400, "Bundle.resourceType"),
        ({"entry": {}}, 400, "Bundle.entry"),
        ({"entry": [7]}, 400, "Bundle.entry[0]"),
        ({"entry": [None]}, 400, "Bundle.entry[0]"),
        ({"entry": [{"fullUrl": "x", "colour": "red"}]}, 400, "Bundle.entry[0].colour"),
        ({"entry": [{"request": {"method": "FETCH", "url": "Patient"}}]}, 405, "Bundle.entry[0].request.method"),
        ({"entry": [get("Patient") | {"fullUrl": "urn:uuid:1"}] * 2}, 400, "Bundle.entry[1].fullUrl"),
        ({"entry": [get("Patient")] * 201}, 400, "Bundle.entry"),
        ({"entry": [{}]}, 400, "Bundle.entry[0].request"),
        ({"entry": [get("http://example.org/fhir/Patient/1")]}, 400, "Bundle.entry[0].request.url"),
        ({"entry": [get("Patient/$everything")]}, 400, "Bundle.entry[0].request.url"),
        ({"entry": [get("Patient?colour:exact=1&name:exact=x")]}, 400, "Bundle.entry[0].request.url"),
        ({"entry": [get("Patient/1/name")]}, 405, "Bundle.entry[0].request.method"),
        ({"entry": [get("Patient") | {"resource": {"resourceType": "Patient"}}]}, 400, "Bundle.entry[0].resource"),
        (
            {"entry": [{"request": {"method": "POST", "url": "Observation"}}]},
            400,
            "Bundle.entry[0].resource.resourceType",
        ),
        ({"entry": [{"request": {"method": "POST", "url": "Patient"}}]}, 405, "Bundle.entry[0].request.method"),
        ({"entry": [{"request": {"method": "PATCH", "url": "Appointment/1"}}]}, 415, "Bundle.entry[0].resource"),
    ],
)
async def test_odd_bundles_are_refused_with_a_place(
    client: httpx.AsyncClient, scene: Scene, changes: Json, status: int, place: str
) -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": []} | changes
    answer = await client.post(ROOT, json=bundle, headers=scene.system)
    assert refused(answer, status)[0]["expression"] == [place]


async def test_what_an_entry_says_is_refused_by_its_place(client: httpx.AsyncClient, scene: Scene) -> None:
    booked = await fhir.book(client, scene)
    address = f"Appointment/{booked['id']}"
    put = {"resource": booked, "request": {"method": "PUT", "url": address}}
    nested: Json = {"url": "x", "valueString": "x"}
    for _ in range(400):
        nested = {"url": "x", "extension": [nested]}
    one, two = URN.format(1), URN.format(2)
    for entry, status, place in (
        ([post(reading(scene, extension=[nested]))], 400, "Bundle.entry[0].resource"),
        ([post(reading(scene, subject={"reference": URN.format(1)}))], 422, "Bundle.entry[0].resource"),
        ([post(reading(scene, subject={"reference": "Patient?name=nobody"}))], 422, "Bundle.entry[0].resource"),
        ([post(reading(scene, effectiveDateTime=5))], 400, "Bundle.entry[0].resource.effectiveDateTime"),
        ([post(reading(scene), request={"ifNoneExist": "colour=red"})], 400, "Bundle.entry[0].request.ifNoneExist"),
        ([post(reading(scene), request={"ifNoneExist": "_sort=date"})], 400, "Bundle.entry[0].request.ifNoneExist"),
        (
            [get("Patient"), put | {"request": put["request"] | {"ifMatch": "x"}}],
            422,
            "Bundle.entry[1].request.ifMatch",
        ),
        ([get("Patient"), put | {"request": put["request"] | {"ifMatch": 'W/"7"'}}], 412, "Bundle.entry[1]"),
        ([put, get("Patient"), put], 400, "Bundle.entry[2]"),
        (
            [
                post(reading(scene, 1, hasMember=[{"reference": two}]), fullUrl=one),
                post(reading(scene, 2, hasMember=[{"reference": one}]), fullUrl=two),
            ],
            400,
            "Bundle.entry[0]",
        ),
    ):
        issues = refused(await send(client, scene, "transaction", *entry), status)
        assert issues[0]["expression"] == [place], entry
    assert (await kept(client, scene), await kept(client, scene, "Appointment")) == (0, 1)


async def test_changes_in_a_transaction_are_held_to_versions(client: httpx.AsyncClient, scene: Scene) -> None:
    first, second = await fhir.book(client, scene), await fhir.book(client, scene, 1)
    version = int(second["meta"]["versionId"])
    operations = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    patch = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    answer = await send(
        client,
        scene,
        "transaction",
        get(f"Appointment/{second['id']}", ifNoneMatch=f'W/"{version + 1}"'),
        {
            "resource": patch,
            "request": {"method": "PATCH", "url": f"Appointment/{second['id']}", "ifMatch": f'W/"{version}"'},
        },
        {
            "resource": first | {"status": "cancelled"},
            "request": {"method": "PUT", "url": f"Appointment?_id={first['id']}"},
        },
        headers={"Prefer": "return=minimal"},
    )
    bundle = valid(answer)
    assert statuses(bundle) == ["304 Not Modified", "200 OK", "200 OK"]
    assert [entry["response"].get("etag") for entry in bundle["entry"]] == [f'W/"{version + 1}"'] * 3
    assert not any("resource" in entry for entry in bundle["entry"])
    said = await send(
        client,
        scene,
        "batch",
        post(reading(scene)),
        post(reading(scene, 1)),
        headers={"Prefer": "return=OperationOutcome"},
    )
    told = ["etag", "lastModified", "location", "outcome", "status"]
    assert [sorted(entry["response"]) for entry in valid(said)["entry"]] == [told] * 2


async def test_a_hundred_readings_are_kept_by_a_few_statements(scene: Scene) -> None:
    actor = Actor(
        kind="account",
        id=scene.person.id,
        community_id=scene.place.id,
        resident_id=scene.resident.id,
        resident_state="active",
        time_zone=scene.place.time_zone,
    )
    asked: list[int] = []
    for count in (1, 100, 100):
        entry = [post(reading(scene, 100 * len(asked) + minute - 300)) for minute in range(count)]
        async with unit_of_work() as session, statements(connection_of(session)) as seen:
            made = await transaction(await writing(actor, session), entry, Preferences())
        asked.append(len(seen))
        assert len(made["entry"]) == count
    assert asked[1] == asked[2] == asked[0]


async def test_one_bad_reading_of_many_is_refused_alone(client: httpx.AsyncClient, scene: Scene) -> None:
    values = [97] * 20
    values[7], values[13] = 970, -4
    answer = await send(client, scene, "batch", *(post(reading(scene, n, value)) for n, value in enumerate(values)))
    found = statuses(valid(answer))
    assert [n for n, status in enumerate(found) if status != "201 Created"] == [7, 13]
    assert await kept(client, scene) == 18


async def test_a_question_mark_in_a_value_ends_no_search(client: httpx.AsyncClient, scene: Scene) -> None:
    found = valid(await send(client, scene, "batch", get("Patient?name=who?is"), get("Patient?name=gra")))
    assert [len(resources(entry["resource"])) for entry in found["entry"]] == [0, 1]


async def test_entries_that_wait_for_each_other_are_looked_through_once(
    client: httpx.AsyncClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    async def create(_: Asked, document: Json) -> Json:
        return document | {"id": document["code"]["text"]}

    async def search(_: Asked, __: Query) -> Found:
        return Found([])

    def looking(document: Any) -> Any:
        nonlocal looked
        looked += 1
        return found_in(document)

    found_in = transactions._references
    monkeypatch.setattr(transactions, "_references", looking)
    monkeypatch.setitem(BY_TYPE, "Basic", Resource("Basic", "Anything", (), search, create=create))
    name = "urn:uuid:0f0f0f0f-0000-4000-8000-{:012}".format
    line = [
        post(
            {"resourceType": "Basic", "code": {"text": str(number)}, "subject": {"reference": name(number + 1)}},
            fullUrl=name(number),
        )
        for number in range(50)
    ]
    last = post({"resourceType": "Basic", "code": {"text": "50"}}, fullUrl=name(50))
    assert len(statuses(valid(await send(client, scene, "transaction", *line, last)))) == 51
    assert looked <= 4 * 51


async def test_bodies_are_bounded_to_the_byte(client: httpx.AsyncClient, scene: Scene) -> None:
    empty = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [get("Patient")]}).encode()
    kind = {"Content-Type": "application/fhir+json"}
    whole = empty + b" " * (settings().http.max_body - len(empty))
    assert valid(await client.post(ROOT, content=whole, headers=scene.system | kind))["type"] == "batch-response"
    for body in (whole + b" ", empty + b" " * 5_000_000):
        answer = await client.post(f"{ROOT}/", content=body, headers=scene.system | kind)
        assert refused(answer, 413)[0]["code"] == "too-long"
    assert valid(await send(client, scene, "transaction")) == {"resourceType": "Bundle", "type": "transaction-response"}
    keyed = await send(client, scene, "batch", get("Patient"), headers={"Idempotency-Key": "x"})
    assert refused(keyed, 422)[0]["location"] == ["http.Idempotency-Key"]
    phone = await sign_in.device_headers(scene.resident)
    refused(await client.post(ROOT, json={"resourceType": "Bundle", "type": "batch"}, headers=phone), 403)


async def test_who_creates_on_a_condition_at_once_creates_one(client: httpx.AsyncClient, scene: Scene) -> None:
    slots = await fhir.slots(client, scene, schedule=scene.schedule)
    whose = (f"patient={scene.resident.id}&status=booked", f"status=booked&patient=Patient/{scene.resident.id}")

    async def create(number: int) -> httpx.Response:
        wanted, condition = fhir.wanted(scene, slots[number]), whose[number % 2]
        if number % 3 == 0:
            return await send(client, scene, "transaction", post(wanted, request={"ifNoneExist": condition}))
        headers = scene.system | {"If-None-Exist": condition}
        return await client.post(f"{ROOT}/Appointment", json=wanted, headers=headers)

    answers = await asyncio.gather(*map(create, range(6)))
    found = [answer.json() for answer in answers]
    made = [
        one["entry"][0]["response"]["status"][:3] if "entry" in one else str(answer.status_code)
        for one, answer in zip(found, answers, strict=True)
    ]
    assert sorted(made) == ["200"] * 5 + ["201"]
    ids = {one["entry"][0]["resource"]["id"] if "entry" in one else one["id"] for one in found}
    assert len(ids) == 1
    assert await kept(client, scene, "Appointment") == 1


async def test_a_transaction_deletes_creates_changes_and_reads_in_this_order(
    client: httpx.AsyncClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    async def create(_: Asked, document: Json) -> Json:
        done.append(f"create {document['subject']['reference']}")
        return document | {"id": str(len(done))}

    async def update(_: Asked, key: str, document: Json, __: int | None) -> Json:
        done.append(f"update {key} {document['subject']['reference']}")
        return document

    async def delete(_: Asked, key: str) -> None:
        done.append(f"delete {key}")

    async def read(_: Asked, key: str) -> Json:
        done.append(f"read {key}")
        return {"resourceType": "Basic", "id": key, "code": {"text": "x"}}

    async def search(_: Asked, __: Query) -> Found:
        return Found([])

    kept = Resource("Basic", "Anything", (), search, own_read=read, create=create, update=update, delete=delete)
    monkeypatch.setitem(BY_TYPE, "Basic", kept)

    def basic(about: str, **more: Any) -> Json:
        return {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": about}, **more}

    answer = await send(
        client,
        scene,
        "transaction",
        get("Basic/r"),
        {"resource": basic(URN.format(1), id="u"), "request": {"method": "PUT", "url": "Basic/u"}},
        post(basic(URN.format(1))),
        post(basic("http://example.org/fhir/Basic/9"), fullUrl=URN.format(1)),
        {"request": {"method": "DELETE", "url": "Basic/d"}},
        post(basic("Basic/8"), fullUrl="http://example.org/fhir/Basic/7"),
        post(basic("Patient/1"), fullUrl="http://example.org/fhir/Basic/8"),
    )
    assert [status[:3] for status in statuses(valid(answer))] == ["200", "200", "201", "201", "204", "201", "201"]
    assert done == [
        "delete d",
        "create http://example.org/fhir/Basic/9",
        "create Patient/1",
        "create Basic/2",
        "create Basic/3",
        "update u Basic/2",
        "read r",
    ]
    gone = {"request": {"method": "DELETE", "url": "Basic/u"}}
    put = {"resource": basic("Patient/1", id="u"), "request": {"method": "PUT", "url": "Basic/u"}}
    assert refused(await send(client, scene, "transaction", put, gone), 400)[0]["expression"] == ["Bundle.entry[1]"]
