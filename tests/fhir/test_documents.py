"""Documents over FHIR: with what is in them inside, or as a Binary created before; read by whoever may read them."""

import base64
import hashlib
import io
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlmodel import col

from app.core import clock
from app.core.audit_tables import AuditEntry
from app.core.database import reading
from app.core.settings import MediaSettings, Settings, install_settings
from app.core.tables import table_of
from app.fhir.resources import document_reference
from app.media.models import Discarded, Upload
from app.media.rules import Purpose
from tests.factories import fhir, identity, media, sign_in, smart, telemedicine_records
from tests.fhir.records import DOCUMENT, ROOT, Ward, inside
from tests.fhir.valid import Json, refused, resources, valid
from tests.media.samples import PDF, pdf, photo

JSON = {"Accept": "application/fhir+json"}
ATTACHMENT = "DocumentReference.content[0].attachment"


pytestmark = pytest.mark.usefixtures("directory")


def at(url: str, **attachment: Any) -> Json:
    """Return a document that refers to what is in it."""
    return DOCUMENT | {"content": [{"attachment": {"url": url, "title": "Letter"} | attachment}]}


def attachment_of(document: Json) -> Json:
    """Return the attachment of a document."""
    found: Json = document["content"][0]["attachment"]
    return found


async def binary(
    ward: Ward, data: bytes = PDF, kind: str = "application/pdf", who: dict[str, str] | None = None
) -> str:
    """Create a Binary and return its id."""
    headers = (ward.system if who is None else who) | {"Content-Type": kind}
    made = valid(await ward.client.post(f"{ROOT}/Binary", content=data, headers=headers), 201)
    return str(made["id"])


async def held() -> tuple[int, int]:
    """Return how many uploads there are, and how many files wait for their removal."""
    async with reading() as connection:
        counts = [
            await connection.scalar(sa.select(sa.func.count()).select_from(table_of(model)))
            for model in (Upload, Discarded)
        ]
    return counts[0] or 0, counts[1] or 0


async def test_what_is_inside_is_kept_and_read_as_itself_and_within_json(ward: Ward) -> None:
    digest = base64.b64encode(hashlib.sha1(PDF, usedforsecurity=False).digest()).decode()
    made = await ward.made(inside(PDF, size=len(PDF), hash=digest, creation="2026-02-27T09:00:00Z"), ward.doctor)
    attachment = attachment_of(made)
    assert (made["description"], made["docStatus"], made["type"]) == (
        "From the hospital",
        "final",
        DOCUMENT["type"],
    )
    assert made["author"] == [{"reference": f"Practitioner/{ward.doctor_id}", "display": "Edith"}]
    assert made["custodian"] == {"reference": f"Organization/{ward.scene.organization.id}"}
    assert (attachment["contentType"], attachment["creation"]) == ("application/pdf", "2026-02-27T09:00:00Z")
    address = attachment["url"].removeprefix("http://127.0.0.1:8000")
    raw = await ward.client.get(address, headers=ward.system | {"Accept": "application/pdf"})
    assert (raw.status_code, raw.headers["content-type"]) == (200, "application/pdf")
    assert len(raw.content) == attachment["size"]
    assert hashlib.sha256(raw.content).hexdigest() == attachment["extension"][0]["valueString"]
    assert b"Ada Writer" not in raw.content
    within = valid(await ward.client.get(address, headers=ward.system | JSON))
    assert base64.b64decode(within["data"]) == raw.content
    assert within["securityContext"] == {"reference": f"DocumentReference/{made['id']}"}
    assert valid(await ward.client.get(f"{address}?_format=json", headers=ward.system)) == within
    (found,) = resources(valid(await ward.get("Binary", _id=within["id"])))
    assert found == within
    assert await held() == (1, 0)

    for query in (
        {"type": "http://loinc.org|18842-5"},
        {"status": "current"},
        {"date": "ge2026-03-02"},
        {"author": f"Practitioner/{ward.doctor_id}"},
        {"custodian": f"Organization/{ward.scene.organization.id}"},
    ):
        assert await ward.found("DocumentReference", **query) == [made["id"]], query
    assert await ward.found("DocumentReference", status="superseded") == []


async def test_a_correction_keeps_the_file_or_has_another(ward: Ward) -> None:
    made = await ward.made(inside(PDF))
    renamed = made | {"content": [{"attachment": attachment_of(made) | {"title": "Letter of 2025"}}]}
    renamed = valid(await ward.put(renamed, ward.doctor))
    assert attachment_of(renamed)["url"] == attachment_of(made)["url"]
    picture = attachment_of(inside(photo("PNG"), contentType="image/png"))
    exchanged = valid(await ward.put(renamed | {"content": [{"attachment": picture}]}, ward.doctor))
    assert attachment_of(exchanged)["contentType"] == "image/png"
    history = valid(await ward.get(f"DocumentReference/{made['id']}/_history"))
    urls = [attachment_of(entry["resource"])["url"] for entry in history["entry"]]
    assert len(set(urls)) == 2
    for url in urls:
        assert (await ward.client.get(url.removeprefix("http://127.0.0.1:8000"), headers=ward.system)).is_success
    wrong = valid(await ward.put(exchanged | {"status": "entered-in-error"}, ward.doctor))
    assert wrong["status"] == "entered-in-error"


async def test_a_binary_is_its_makers_until_a_document_refers_to_it(ward: Ward) -> None:
    key = await binary(ward)
    assert valid(await ward.client.get(f"{ROOT}/Binary/{key}", headers=ward.system | JSON))["id"] == key
    for who in (ward.doctor, ward.resident):
        refused(await ward.client.get(f"{ROOT}/Binary/{key}", headers=who | JSON), 404)
    theirs = refused(await ward.post(ward.said(at(f"Binary/{key}")), ward.doctor), 422)
    assert theirs[0]["expression"] == [f"{ATTACHMENT}.url"]
    made = await ward.made(at(f"Binary/{key}", contentType="application/pdf"))
    for who in (ward.system, ward.doctor, ward.resident):
        assert (await ward.client.get(f"{ROOT}/Binary/{key}", headers=who)).content.startswith(b"%PDF")
    assert refused(await ward.post(ward.said(at(f"Binary/{key}"))), 422)[0]["code"] == "not-found"
    as_json = {"resourceType": "Binary", "contentType": "image/png", "data": base64.b64encode(photo("PNG")).decode()}
    other = valid(await ward.post(as_json), 201)
    assert "data" not in other
    assert (await ward.found("DocumentReference")) == [made["id"]]


async def test_what_is_done_is_answered_as_done_where_nothing_can_be_cleared_away(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise OSError("the database is gone")

    monkeypatch.setattr(document_reference, "drop_unused", fail)
    made = await ward.made(inside(PDF), ward.doctor)  # answers 201
    assert attachment_of(made)["contentType"] == "application/pdf"


async def test_a_binary_is_read_by_whoever_reads_its_document(ward: Ward) -> None:
    made = await ward.made(inside(PDF), ward.resident)
    key = attachment_of(made)["url"].rpartition("/")[2]
    place, resident = ward.scene.place, ward.scene.resident
    relative = await identity.account(place, name="Daughter")
    await identity.grant(resident, relative, ["records:read"])
    other = await identity.account(place, name="Son")
    await identity.grant(resident, other, ["vitals:read"])
    clinic = await identity.organization(place, "clinic")
    await identity.agreement(clinic, None, resident)
    askers = {
        "relative": await sign_in.sign_in(relative),
        "other": await sign_in.sign_in(other),
        "stranger": await sign_in.sign_in(await identity.account(place, name="Walter")),
        "no treatment": await sign_in.client_headers(clinic, ["records:read"]),
        "no scope": await sign_in.client_headers(ward.scene.organization, fhir.SCOPES),
        "nobody": {},
        "phone": await sign_in.device_headers(resident),
    }
    expected = {"relative": 200, "other": 403, "stranger": 404, "no treatment": 403, "no scope": 403}
    expected |= {"nobody": 401, "phone": 403}
    for name, who in askers.items():
        document = await ward.client.get(f"{ROOT}/DocumentReference/{made['id']}", headers=who)
        answers = [await ward.client.get(f"{ROOT}/Binary/{key}", headers=who | more) for more in ({}, JSON)]
        assert [one.status_code for one in (document, *answers)] == [expected[name]] * 3, name


async def test_what_an_app_reads_of_whoever_let_it_in_is_on_record_as_bytes_too(ward: Ward) -> None:
    made = await ward.made(inside(PDF), ward.doctor)
    app = await smart.machine(ward.scene.organization, ["records:read"], redirect_uris=[smart.BACK])
    given = await smart.connected(ward.client, app, "+8613800000021", "user/Binary.r")
    address = attachment_of(made)["url"].removeprefix("http://127.0.0.1:8000")
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    for accept in (JSON, {"Accept": "application/pdf"}):
        assert (await ward.client.get(address, headers=headers | accept)).status_code == 200
    async with reading() as connection:
        traced = sa.select(col(AuditEntry.action)).where(
            col(AuditEntry.app_id) == app.id, col(AuditEntry.resident_id) == ward.scene.resident.id
        )
        assert (await connection.scalars(traced)).all() == ["app:read", "app:read"]


@pytest.mark.parametrize(
    ("attachment", "element"),
    [
        ({"data": base64.b64encode(PDF[:200]).decode()}, "data"),
        ({"data": base64.b64encode(b"MZ" + bytes(100)).decode()}, "data"),
        ({"data": base64.b64encode(photo()).decode()}, "data"),
        ({"data": base64.b64encode(pdf(password="secret")).decode()}, "data"),
        ({"contentType": "text/plain"}, "data"),
        ({"hash": base64.b64encode(bytes(20)).decode()}, "hash"),
        ({"size": 3}, "size"),
        ({"url": "Binary/1"}, "url"),
        ({"title": None}, "title"),
        ({"creation": "2026-02-27"}, "creation"),
        ({"creation": "2031-02-27T09:00:00Z"}, "creation"),
        ({"language": "en"}, "language"),
    ],
)
async def test_nothing_is_kept_of_what_is_refused(ward: Ward, attachment: Json, element: str) -> None:
    given = {name: value for name, value in (attachment_of(inside(PDF)) | attachment).items() if value is not None}
    issues = refused(await ward.post(ward.said(DOCUMENT | {"content": [{"attachment": given}]})), 422)
    assert issues[0]["expression"] == [f"{ATTACHMENT}.{element}"]
    async with reading() as connection:
        kept = await connection.scalar(
            sa.select(sa.func.count()).select_from(table_of(Upload)).where(table_of(Upload).c.state != "rejected")
        )
    assert kept == 0
    assert await ward.found("DocumentReference") == []


async def test_what_is_refused_for_its_patient_leaves_no_file(ward: Ward, directory: Path) -> None:
    stranger = inside(PDF) | {"subject": {"reference": f"Patient/{clock.new_id()}"}}
    refused(await ward.post(stranger), 404)
    assert await held() == (0, 1)  # and the file is put down for removal
    machine = await sign_in.client_headers(ward.scene.organization, fhir.SCOPES)
    refused(await ward.post(ward.said(inside(PDF)), machine), 403)
    headers = machine | {"Content-Type": "application/pdf"}
    refused(await ward.client.post(f"{ROOT}/Binary", content=PDF, headers=headers), 403)
    assert await held() == (0, 1)


async def test_the_same_again_is_answered_and_kept_once(ward: Ward) -> None:
    key = {"Idempotency-Key": "letter"}
    answers = [
        await ward.client.post(f"{ROOT}/DocumentReference", json=ward.said(inside(PDF)), headers=ward.system | key)
        for _ in range(2)
    ]
    assert valid(answers[0], 201)["id"] == answers[1].json()["id"]
    assert await held() == (1, 1)


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("application/pdf", b"", 422),
        ("application/pdf", b"%PDF-1.7 nothing", 422),
        ("image/png", PDF, 415),
        ("text/html", b"<html></html>", 415),
        ("application/octet-stream", PDF, 415),
        ("application/fhir+json", b"{}", 400),
        ("application/fhir+json", b'{"resourceType":"Binary"}', 400),
        ("application/fhir+json", b'{"resourceType":"Binary","contentType":"application/pdf","data":"*"}', 422),
        ("application/fhir+json", b'{"resourceType":"Binary","contentType":"application/pdf","data":7}', 422),
        ("application/fhir+json", b'{"resourceType":"Binary","contentType":"application/pdf"}', 422),
        ("application/fhir+xml", b"<Binary/>", 415),
    ],
)
async def test_what_a_binary_may_be(ward: Ward, content_type: str, content: bytes, status: int) -> None:
    headers = ward.system | {"Content-Type": content_type}
    answer = await ward.client.post(f"{ROOT}/Binary", content=content, headers=headers)
    valid(answer, status)


async def test_a_large_file_is_a_binary_and_not_inside(ward: Ward, directory: Path, test_settings: Settings) -> None:
    size = (1000, 800)
    noise = Image.frombytes("RGB", size, random.Random(1).randbytes(size[0] * size[1] * 3))
    written = io.BytesIO()
    noise.save(written, "PNG")
    headers = ward.system | {"Content-Type": "image/png"}
    assert len(written.getvalue()) > test_settings.http.max_body
    valid(await ward.client.post(f"{ROOT}/Binary", content=written.getvalue(), headers=headers), 201)
    refused(await ward.post(ward.said(inside(written.getvalue(), contentType="image/png"))), 413)
    limit = MediaSettings(directory=directory, max_upload=2 * 2**20)
    install_settings(test_settings.model_copy(update={"media": limit}))
    refused(await ward.client.post(f"{ROOT}/Binary", content=written.getvalue(), headers=headers), 413)


async def test_what_was_uploaded_by_an_app_is_a_binary_too(ward: Ward) -> None:
    media_id = await media.sent(
        ward.client, ward.resident, PDF, purpose=Purpose.DOCUMENT, content_type="application/pdf"
    )
    made = await ward.made(at(f"http://127.0.0.1:8000/fhir/R4/Binary/{media_id}"), ward.resident)
    assert attachment_of(made)["url"].endswith(media_id)
    refused(await ward.get(f"Binary/{clock.new_id()}"), 404)
    refused(await ward.get("Binary/x"), 404)
    refused(await ward.get("Binary"), 400)
    refused(
        await ward.client.get(f"{ROOT}/Binary/{media_id}", headers=ward.system | {"Accept": "application/fhir+xml"}),
        406,
    )


async def test_a_letter_of_words_alone_has_no_file(ward: Ward) -> None:
    letter = {"kind": "document", "title": "Letter", "note": "Come again in May"}
    kept = await telemedicine_records.health_record(ward.scene.resident, letter)
    shown = valid(await ward.get(f"DocumentReference/{kept.id}"))
    assert shown["description"] == "Come again in May"
    assert attachment_of(shown) == {"title": "Letter"}
    wrong = shown | {"status": "entered-in-error"}
    assert valid(await ward.put(wrong, ward.resident))["status"] == "entered-in-error"


async def test_an_app_about_one_patient_looks_into_their_documents_alone(ward: Ward) -> None:
    place = ward.scene.place
    other = await identity.account(place, name="Howard", phone="+8613800000022")
    neighbour = await identity.resident(place, person=other)
    await identity.grant(neighbour, ward.scene.person, ["profile:read", "records:read"])
    about = {"reference": f"Patient/{neighbour.id}"}
    theirs = await ward.made(inside(PDF), await sign_in.sign_in(other), subject=about)
    mine = await ward.made(inside(PDF), ward.resident)
    own, others = (attachment_of(one)["url"].rpartition("/")[2] for one in (mine, theirs))
    app = await smart.machine(ward.scene.organization, ["profile:read", "records:read"], redirect_uris=[smart.BACK])
    scope = "launch/patient patient/Binary.rs"
    given = await smart.connected(ward.client, app, "+8613800000021", scope, "Grace")
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    for accept in ({}, JSON):
        assert (await ward.get(f"Binary/{own}", headers | accept)).status_code == 200
        refused(await ward.get(f"Binary/{others}", headers | accept), 404)
    refused(await ward.get("Binary", headers, _id=own), 403)
    async with reading() as connection:
        entry = sa.select(col(AuditEntry.action), col(AuditEntry.resident_id)).where(col(AuditEntry.app_id) == app.id)
        traces = (await connection.execute(entry)).all()
    assert [trace.action for trace in traces if trace.resident_id == ward.scene.resident.id] == ["app:read"] * 2
    told = resources(valid(await ward.get("AuditEvent", ward.resident, subtype="app:read")))
    assert told[0]["agent"][1] == {"who": {"type": "Device", "display": "Practice"}, "requestor": False}
