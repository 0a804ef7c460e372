"""Bulk export: what is in it and for whom, how it comes about, what it survives, and when it goes."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.settings import MediaSettings, Settings, install_settings, settings
from app.core.tables import table_of
from app.fhir.exports import repository, rules, views
from app.fhir.exports.models import EXPORTS, FILES, RESIDENTS
from app.fhir.exports.service import working
from app.fhir.jobs import JOBS
from app.fhir.served import BY_TYPE
from app.identity.api import actor_of_client
from app.identity.clients.models import ApiClient
from app.identity.models import Resident, ServiceAgreement
from app.media.jobs import JOBS as MEDIA_JOBS
from tests.factories import eldercare_vitals, fhir, identity, sign_in
from tests.factories.fhir import Scene
from tests.factories.fhir_exports import ASYNC, R4, begun, exported, fetched, manifest, path
from tests.fhir.valid import check, refused, valid

_AGREEMENTS = table_of(ServiceAgreement)
_CLIENTS = table_of(ApiClient)


@pytest.fixture(autouse=True)
def store(test_settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Keep files where the test's own are alone."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield
    install_settings(test_settings)


async def _patients(of: Scene, count: int) -> list[Resident]:
    """Insert more residents whom the clinic serves, each with a reading."""
    found = []
    for _ in range(count):
        resident = await identity.resident(of.place)
        await identity.agreement(of.organization, None, resident)
        await eldercare_vitals.reading(resident, 36.6, "8310-5")
        found.append(resident)
    return found


async def _count(table: sa.Table) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _on_disk() -> list[Path]:
    return [one for one in settings().media.directory.rglob("*") if one.is_file()]


async def test_all_that_is_known_of_all_patients_is_in_the_files(client: httpx.AsyncClient, scene: Scene) -> None:
    await fhir.book(client, scene)
    await fhir.happened(scene)
    (second,) = await _patients(scene, 1)
    stranger = await identity.resident(scene.place)
    status = await begun(client, scene.system)
    waiting = await client.get(status, headers=scene.system)
    assert (waiting.status_code, waiting.headers["X-Progress"]) == (202, "0 of 2 patients")
    assert int(waiting.headers["Retry-After"]) > 0
    await settle(JOBS)
    document = await manifest(client, scene.system, status)
    assert document["request"].endswith("/fhir/R4/Patient/$export")
    assert document["requiresAccessToken"] is True
    assert document["error"] == []
    found = await fetched(client, scene.system, document)
    assert {one["type"]: one["count"] for one in document["output"]} == {
        kind: len(resources) for kind, resources in found.items()
    }
    assert {one["id"] for one in found["Patient"]} == {str(scene.resident.id), str(second.id)}
    assert str(stranger.id) not in str(found)
    for kind, resources in found.items():
        assert {one["resourceType"] for one in resources} == {kind}
        for one in resources:
            check(one)
    bundle = await client.get(f"{R4}/Observation?patient={scene.resident.id}&_count=100", headers=scene.system)
    whole = [entry["resource"]["id"] for entry in bundle.json()["entry"]]
    of_grace = [
        one["id"] for one in found["Observation"] if one["subject"]["reference"].endswith(str(scene.resident.id))
    ]
    assert of_grace == whole
    assert [one["status"] for one in found["Appointment"]] == ["fulfilled", "booked"]
    trail = await client.get("/v1/me/data-accesses", headers=await sign_in.sign_in(scene.person))
    told = [one["action"] for one in trail.json()["items"]]
    assert told.count("bulk_export:read") == 1


async def test_a_group_is_whom_an_organization_serves(client: httpx.AsyncClient, scene: Scene) -> None:
    (second,) = await _patients(scene, 1)
    other = await identity.organization(scene.place, "clinic", name="Hill Clinic")
    group = valid(await client.get(f"{R4}/Group/{scene.organization.id}", headers=scene.system))
    assert {one["entity"]["reference"] for one in group["member"]} == {
        f"Patient/{scene.resident.id}",
        f"Patient/{second.id}",
    }
    assert (group["name"], group["quantity"]) == ("Lake Clinic", 2)
    found = valid(await client.get(f"{R4}/Group?member=Patient/{second.id}", headers=scene.system))
    assert [one["resource"]["id"] for one in found["entry"]] == [str(scene.organization.id)]
    assert "entry" not in valid(await client.get(f"{R4}/Group?member={other.id}", headers=scene.system))
    assert refused(await client.get(f"{R4}/Group/{other.id}", headers=scene.system), 404)
    desk = await sign_in.sign_in(await identity.operator(scene.place))
    (community,) = valid(await client.get(f"{R4}/Group", headers=desk))["entry"]
    assert (community["resource"]["name"], community["resource"]["quantity"]) == (scene.place.name, 2)
    grace = await sign_in.sign_in(scene.person)
    assert "entry" not in valid(await client.get(f"{R4}/Group", headers=grace))
    inside = await exported(client, scene.system, f"Group/{scene.organization.id}/$export?_type=Patient")
    assert len(inside["Patient"]) == 2
    answer = await client.get(f"{R4}/Group/{other.id}/$export", headers=scene.system | ASYNC)
    assert refused(answer, 404)


async def test_what_is_asked_for_is_narrowed(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    booked = await fhir.book(client, scene)
    await fhir.book(client, scene, status="pending")
    assert (await exported(client, scene.system, "Patient/$export?_type=Appointment")).keys() == {"Appointment"}
    held = await exported(
        client, scene.system, "Patient/$export?_type=Appointment&_typeFilter=Appointment%3Fstatus%3Dbooked"
    )
    assert [one["id"] for one in held["Appointment"]] == [booked["id"]]
    since = (clock.now() + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    clock.advance(timedelta(minutes=10))
    assert await exported(client, scene.system, f"Patient/$export?_type=Appointment,Patient&_since={since}") == {}
    sent = booked | {"status": "cancelled"}
    assert (await client.put(f"{R4}/Appointment/{booked['id']}", json=sent, headers=scene.system)).status_code == 200
    newer = await exported(client, scene.system, f"Patient/$export?_type=Appointment,Patient&_since={since}")
    assert [one["status"] for one in newer["Appointment"]] == ["cancelled"]


def _parameters(*given: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(given)}


async def test_patients_are_named_in_a_post(client: httpx.AsyncClient, scene: Scene) -> None:
    (second,) = await _patients(scene, 1)
    stranger = await identity.resident(scene.place)

    async def post(*patients: uuid.UUID) -> httpx.Response:
        named = [{"name": "patient", "valueReference": {"reference": f"Patient/{one}"}} for one in patients]
        body = _parameters({"name": "_type", "valueString": "Patient"}, *named)
        return await client.post(f"{R4}/Patient/$export", json=body, headers=scene.system | ASYNC)

    (issue,) = refused(await post(second.id, stranger.id), 422)
    assert str(stranger.id) in issue["diagnostics"]
    assert await _count(EXPORTS) == 0
    answer = await post(second.id)
    await settle(JOBS)
    status = path(answer.headers["Content-Location"])
    found = await fetched(client, scene.system, await manifest(client, scene.system, status))
    assert [one["id"] for one in found["Patient"]] == [str(second.id)]


@pytest.mark.parametrize(
    ("query", "where", "word"),
    [
        ("_type=Practitioner", "http._type", "Patient"),
        ("_type=", "http._type", "missing"),
        ("_outputFormat=text/csv", "http._outputFormat", "ndjson"),
        ("_since=yesterday", "http._since", "offset"),
        ("_since=2026-03-01", "http._since", "offset"),
        ("_since=0001-01-01T00:00:00%2B14:00", "http._since", "offset"),
        ("_elements=id", "http._elements", "known"),
        ("_typeFilter=Practitioner?name=a", "http._typeFilter", "Patient"),
        ("_typeFilter=Appointment?_include=Appointment:patient", "http._typeFilter", "_include"),
        ("_typeFilter=Appointment?patient=x", "http._typeFilter", "patient"),
        ("_typeFilter=Appointment?status:text=booked", "http._typeFilter", "modifier"),
        ("_typeFilter=Appointment?status=a,Appointment?status=b", "http._typeFilter", "one filter"),
        ("_type=Patient&_typeFilter=Appointment?status=booked", "http._typeFilter", "Appointment"),
    ],
)
async def test_what_cannot_be_exported_is_refused_by_its_name(
    query: str, where: str, word: str, client: httpx.AsyncClient, scene: Scene
) -> None:
    answer = await client.get(f"{R4}/Patient/$export?{query}", headers=scene.system | ASYNC)
    (issue,) = refused(answer, 400)
    assert issue["location"] == [where]
    assert word in issue["diagnostics"]
    assert await _count(EXPORTS) == 0


async def test_who_asks_has_to_be_ready_to_wait_and_a_system(client: httpx.AsyncClient, scene: Scene) -> None:
    url = f"{R4}/Patient/$export"
    (issue,) = refused(await client.get(url, headers=scene.system), 400)
    assert "respond-async" in issue["details"]["text"]
    lenient = {"Prefer": "respond-async, handling=lenient"}
    answer = await client.get(f"{url}?_elements=id&_type=Patient,Practitioner", headers=scene.system | lenient)
    assert answer.status_code == 202
    assert refused(await client.get(url, headers=await sign_in.sign_in(scene.person) | ASYNC), 403)
    blind = await sign_in.client_headers(scene.organization, ("appointments:manage",))
    assert refused(await client.get(url, headers=blind | ASYNC), 403)
    wrong = _parameters({"name": "_since", "valueString": "2026-03-01T00:00:00Z"})
    assert refused(await client.post(url, json=wrong, headers=scene.system | ASYNC), 422)


async def test_a_client_has_two_exports_running_and_others_are_none_of_its(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    url = f"{R4}/Patient/$export"
    answers = await asyncio.gather(*(client.get(url, headers=scene.system | ASYNC) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429]
    assert {"60"} == {one.headers["Retry-After"] for one in answers if one.status_code == 429}
    other = await sign_in.client_headers(scene.organization, fhir.SCOPES)
    mine = next(path(one.headers["Content-Location"]) for one in answers if one.status_code == 202)
    assert refused(await client.get(mine, headers=other), 404)
    assert refused(await client.delete(mine, headers=other), 404)
    await settle(JOBS)
    assert (await begun(client, scene.system)) != mine
    document = await manifest(client, scene.system, mine)
    assert refused(await client.get(path(document["output"][0]["url"]), headers=other), 404)


async def test_a_file_is_sealed_and_goes_with_its_export(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    status = await begun(client, scene.system)
    await settle(JOBS)
    document = await manifest(client, scene.system, status)
    (patients,) = [one for one in document["output"] if one["type"] == "Patient"]
    file = path(patients["url"])
    ours = [one for one in _on_disk() if file.rpartition("/")[2].replace("-", "") in one.name]
    assert len(ours) == 1
    assert b"Grace" not in ours[0].read_bytes()
    assert (await client.delete(status, headers=scene.system)).status_code == 202
    await settle(MEDIA_JOBS)
    assert not ours[0].exists()
    for gone in (status, file):
        assert refused(await client.get(gone, headers=scene.system), 404)
    later = await begun(client, scene.system)
    await settle(JOBS)
    clock.advance(timedelta(days=2))
    await settle((*JOBS, *MEDIA_JOBS))
    assert refused(await client.get(later, headers=scene.system), 404)
    assert await _count(FILES) == await _count(RESIDENTS) == 0


async def _steps(count: int) -> None:
    """Work on the export for so many steps, as a worker that is asked to stop after them."""
    async with repository.LEASE.holding(1) as held:
        for _ in range(count):
            await working._step(held[0], BY_TYPE)


async def test_a_withdrawal_counts_at_once_before_and_after_it_is_written(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    others = await _patients(scene, 2)
    everybody = sorted([scene.resident, *others], key=lambda one: one.id)
    status = await begun(client, scene.system, "Patient/$export?_type=Patient,Observation")
    await _steps(1)
    assert (await client.get(status, headers=scene.system)).headers["X-Progress"] == "1 of 3 patients"
    await _end(everybody[1].id, clock)
    await settle(JOBS)
    document = await manifest(client, scene.system, status)
    found = await fetched(client, scene.system, document)
    assert {one["id"] for one in found["Patient"]} == {str(everybody[0].id), str(everybody[2].id)}
    # What was written before is handed out no more: of the first, only measurements are not to be seen now.
    await _agree(everybody[0].id, ["profile:read", "appointments:manage"])
    assert [one["id"] for one in (await fetched(client, scene.system, document))["Patient"]] == [str(everybody[2].id)]


async def _end(resident_id: uuid.UUID, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        ended = sa.update(_AGREEMENTS).where(_AGREEMENTS.c.resident_id == resident_id).values(ends_at=clock.now())
        await session.execute(ended)


async def _agree(resident_id: uuid.UUID, scopes: list[str]) -> None:
    async with unit_of_work() as session:
        await session.execute(
            sa.update(_AGREEMENTS).where(_AGREEMENTS.c.resident_id == resident_id).values(scopes=scopes)
        )


async def test_a_client_that_is_cut_off_gets_nothing(client: httpx.AsyncClient, scene: Scene) -> None:
    status = await begun(client, scene.system)
    await settle(JOBS)
    document = await manifest(client, scene.system, status)
    running = await begun(client, scene.system)
    async with unit_of_work() as session:
        await session.execute(sa.update(_CLIENTS).values(scopes=["profile:read"]))
    file = path(document["output"][0]["url"])
    assert refused(await client.get(file, headers=scene.system), 403)
    await settle(JOBS)
    answer = await client.get(running, headers=scene.system)
    assert refused(answer, 500)[0]["details"]["coding"][0]["code"] == "export_failed"
    async with unit_of_work() as session:
        await session.execute(sa.update(_CLIENTS).values(revoked_at=_CLIENTS.c.created_at))
    assert refused(await client.get(file, headers=scene.system), 401)


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("place", ["open_files", "is_written", "note_grown", "note_resident"])
async def test_an_export_goes_on_where_a_crash_left_it(
    place: str, client: httpx.AsyncClient, scene: Scene, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _patients(scene, 1)
    status = await begun(client, scene.system, "Patient/$export?_type=Patient,Observation")

    async def crash(*_: Any, **__: Any) -> Any:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(repository, place, crash)
        with pytest.raises(Crash):
            await _steps(1)
    async with unit_of_work() as session:  # who dies gives no lease back
        await session.execute(sa.update(EXPORTS).values(lease_until=clock.now() + timedelta(minutes=2)))
    await settle(JOBS)
    assert (await client.get(status, headers=scene.system)).status_code == 202
    clock.advance(timedelta(minutes=3))
    await settle(JOBS)
    found = await fetched(client, scene.system, await manifest(client, scene.system, status))
    assert {kind: len(resources) for kind, resources in found.items()} == {"Patient": 2, "Observation": 1}


async def test_a_worker_that_was_too_slow_writes_nothing_more(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    status = await begun(client, scene.system, "Patient/$export?_type=Patient")
    async with unit_of_work() as session:
        (slow,) = await repository.LEASE.claim(session, 1)
    clock.advance(timedelta(minutes=3))
    await settle(JOBS)
    assert await working._step(slow, BY_TYPE) is False
    assert len((await fetched(client, scene.system, await manifest(client, scene.system, status)))["Patient"]) == 1


async def test_what_cannot_be_made_is_given_up_in_the_end(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await begun(client, scene.system)

    async def broken(*_: Any) -> Any:
        raise ValueError("odd")

    monkeypatch.setattr(working, "_look", broken)
    for _ in range(rules.MOST_FAILURES):
        await settle(JOBS)
        clock.advance(timedelta(hours=4))
    assert refused(await client.get(status, headers=scene.system), 500)
    assert await _count(FILES) == 0


async def test_pages_and_files_go_on_one_after_the_other(
    client: httpx.AsyncClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fhir.happened(scene)
    await _patients(scene, 1)
    monkeypatch.setattr(working, "MAX_LIMIT", 3)
    monkeypatch.setattr(repository, "LARGEST", 2000)
    monkeypatch.setattr(working, "TURN", 2)
    status = await begun(client, scene.system)
    await settle(JOBS)
    document = await manifest(client, scene.system, status)
    assert len([one for one in document["output"] if one["type"] == "Observation"]) > 1
    paged = await fetched(client, scene.system, document)
    monkeypatch.undo()
    assert paged == await exported(client, scene.system)


async def test_an_erasure_takes_the_exports_with_their_data_along(client: httpx.AsyncClient, scene: Scene) -> None:
    (other,) = await _patients(scene, 1)
    both = await begun(client, scene.system)
    await settle(JOBS)
    files = _on_disk()
    body = _parameters({"name": "patient", "valueReference": {"reference": f"Patient/{other.id}"}})
    answer = await client.post(f"{R4}/Patient/$export", json=body, headers=scene.system | ASYNC)
    await settle(JOBS)
    erased = await client.delete("/v1/me", headers=await sign_in.sign_in(scene.person))
    assert erased.status_code == 204, erased.text
    assert refused(await client.get(both, headers=scene.system), 404)
    assert await manifest(client, scene.system, path(answer.headers["Content-Location"]))
    await settle(MEDIA_JOBS)
    assert files
    assert not any(file.exists() for file in files)


async def test_who_is_erased_while_they_are_read_is_not_written(client: httpx.AsyncClient, scene: Scene) -> None:
    status = await begun(client, scene.system)
    async with reading() as connection:
        row = await views.next_of(connection, uuid.UUID(status.rpartition("/")[2]))
        assert row is not None
        actor = await actor_of_client(connection, row.client_id, frozenset(row.scopes), row.app_scopes)
        assert actor is not None
        step = await working._look(connection, row, actor, BY_TYPE)
    assert step.found["Patient"]
    erased = await client.delete("/v1/me", headers=await sign_in.sign_in(scene.person))
    assert erased.status_code == 204, erased.text
    async with repository.LEASE.holding(1) as held:
        assert await working._store(held[0], step)
    await settle(JOBS)
    assert (await manifest(client, scene.system, status))["output"] == []
    assert _on_disk() == []


async def test_the_statement_names_the_exports(client: httpx.AsyncClient, scene: Scene) -> None:
    statement = valid(await client.get(f"{R4}/metadata"))
    operations = {
        (resource["type"], one["name"]): one["definition"]
        for resource in statement["rest"][0]["resource"]
        for one in resource.get("operation", [])
    }
    assert operations["Patient", "export"].endswith("/patient-export")
    assert operations["Group", "export"].endswith("/group-export")
    assert statement["instantiates"] == ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"]
