"""DocumentReference: a paper or picture about a patient; what is in it is a Binary."""

import base64
import binascii
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from app.core import failures
from app.core.access import Actor
from app.core.problems import FieldError, Forbidden, NotFound, Problem
from app.fhir.concepts import concept_shown, concept_taken, instant_shown, instant_taken
from app.fhir.elements import Json, base_url, filled, instant, local, reference, uuid_of
from app.fhir.problems import NotProcessable, not_processable
from app.fhir.registry import Asked, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from app.fhir.resources.records import Records, about, coded, of_instants, said_by, status_of
from app.fhir.taking import Element
from app.media.api import Purpose, attached_to, drop_unused, keep, kept_file
from telemedicine.api import RECORD_FILES, WRITE_RECORDS, DocumentContent, HealthRecordPublic

log = structlog.get_logger(__name__)
_STATUS: Final = "http://hl7.org/fhir/document-reference-status"
_SHA256: Final = "urn:hearthline:sha256"
_ATTACHMENT: Final = "DocumentReference.content[0].attachment"
_OF_WHAT_WAS_SENT: Final = ("data", "hash", "size")


def shown(of: HealthRecordPublic) -> Json:
    """Return what a document says of itself; its checksum is of what is kept, as it was attached.

    A letter of words alone has them as its description.
    """
    content = of.content
    assert isinstance(content, DocumentContent)  # noqa: S101 - the kind says so
    said = said_by(of)
    attachment = filled(
        extension=[{"url": _SHA256, "valueString": of.file_sha256}] if of.file_sha256 else None,
        contentType=of.file.content_type if of.file else None,
        url=f"{base_url()}/Binary/{content.media_id}" if content.media_id else None,
        size=of.file.size if of.file else None,
        title=content.title,
        creation=instant_shown(content.written_at),
    )
    return {
        "status": status_of(of, content.status),
        "docStatus": content.doc_status,
        "type": concept_shown(content.type),
        "date": instant(of.created_at),
        "author": [said] if said else None,
        "custodian": reference("Organization", of.organization_id) if of.organization_id else None,
        "description": content.note,
        "content": [{"attachment": attachment}],
    }


def taken(sent: Element) -> dict[str, Any]:
    """Return the fields of a document."""
    content = sent.one("content")
    attachment = content.within("attachment") if content else None
    if attachment is None:
        raise not_processable(_ATTACHMENT, "what is in it", "required")
    kind, _, key = local(str(attachment.take("url") or "")).partition("/")
    media_id = uuid_of(key) if kind == "Binary" else None
    if media_id is None:
        # Inside of a batch nothing is looked into: it takes seconds.
        detail = "data, by itself, or the url of a Binary that was created before"
        raise not_processable(f"{_ATTACHMENT}.url", detail, "required")
    return {
        "status": sent.take("status"),
        "doc_status": sent.take("docStatus"),
        "type": concept_taken(sent.within("type")),
        "title": attachment.take("title"),
        "written_at": instant_taken(attachment, "creation"),
        "media_id": media_id,
        "note": sent.take("description"),
    }


def wanted(query: Query) -> dict[str, Any]:
    """Return which documents a search wants."""
    return {
        "codes": coded(query, "type"),
        "statuses": query.codes("status", _STATUS),
        "practitioner_ids": ids_of(query.keys("author", "Practitioner")),
        "organization_ids": ids_of(query.keys("custodian", "Organization")),
        **of_instants(query.range("date"), "entered_since", "entered_before"),
    }


_RECORDS: Final = Records(
    kind="document",
    shown=shown,
    taken=taken,
    wanted=wanted,
    paths={
        "doc_status": "docStatus",
        "title": "content[0].attachment.title",
        "written_at": "content[0].attachment.creation",
        "media_id": "content[0].attachment.url",
        "note": "description",
    },
)


@asynccontextmanager
async def keeping(actor: Actor, document: Json) -> AsyncIterator[Json]:
    """Keep what is inside of a document as an upload of the actor's, and yield the document with its address.

    What was kept is removed unless it has become a record's by then. Raises ``NotProcessable``, and what ``keep``
    raises where there is no room.
    """
    contents = document.get("content", [])
    attachment = contents[0].get("attachment", {}) if len(contents) == 1 else {}
    if "data" not in attachment:
        yield document
        return
    if "url" in attachment:
        raise not_processable(f"{_ATTACHMENT}.url", "data, or a url", "invariant")
    require_bringing(actor)
    media_id = await _kept(actor, attachment)
    rest = {name: value for name, value in attachment.items() if name not in _OF_WHAT_WAS_SENT}
    try:
        kept = {**contents[0], "attachment": {**rest, "url": f"Binary/{media_id}"}}
        yield {**document, "content": [kept]}
    finally:
        await _let_go(media_id)


async def _let_go(media_id: uuid.UUID) -> None:
    """Remove what was kept unless it is a record's; where that fails, it goes by itself as what nobody used."""
    try:
        await drop_unused(media_id)
    except Exception as error:  # noqa: BLE001 - what was committed is answered as done, or it would be sent again
        log.warning("upload_not_dropped", error=failures.code_of(error))


def require_bringing(actor: Actor) -> None:
    """Raise ``Forbidden`` for a machine that may write no records, and so has no use for files."""
    if actor.scopes is not None and WRITE_RECORDS not in actor.scopes:
        raise Forbidden(f"this needs {WRITE_RECORDS}")


async def _kept(actor: Actor, attachment: Json) -> uuid.UUID:
    try:
        data = base64.b64decode("".join(attachment["data"].split()), validate=True)
    except binascii.Error:
        raise not_processable(f"{_ATTACHMENT}.data", "this is no Base64", "value") from None
    # FHIR R4's Attachment.hash is SHA-1; nothing rests on it here.
    digest = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
    for name, is_so in (("size", len(data)), ("hash", digest)):
        if attachment.get(name) not in (None, is_so):
            raise not_processable(f"{_ATTACHMENT}.{name}", "not that of data", "invariant")
    try:
        return await keep(actor, data, attachment.get("contentType"), purpose=Purpose.DOCUMENT)
    except Problem as refusal:
        if refusal.status not in (415, 422):
            raise
        accepted = ", ".join(refusal.extensions.get("accepted", ()))
        detail = f"{refusal.title}: {accepted}" if accepted else refusal.title
        raise NotProcessable(errors=[FieldError(f"{_ATTACHMENT}.data", detail, "value")]) from None


async def create(asked: Asked, document: Json) -> Json:
    """Keep a document; raises as ``Records.create``."""
    await _require_own(asked, document, None)
    return await _RECORDS.create(asked, document)


async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
    """Correct a document, also by another file; raises as ``Records.update``."""
    await _require_own(asked, document, uuid_of(key))
    return await _RECORDS.update(asked, key, document, version)


async def _require_own(asked: Asked, document: Json, record_id: uuid.UUID | None) -> None:
    """Raise ``NotProcessable`` unless the file is one the actor has brought, or the record's already."""
    url = document.get("content", [{}])[0].get("attachment", {}).get("url", "")
    media_id = uuid_of(local(str(url)).removeprefix("Binary/"))
    if media_id is None:
        return  # which is refused as such
    is_there = False
    try:
        file = await kept_file(asked.connection, media_id)
        is_there = file.owner_id == asked.actor.id
    except NotFound:
        pass
    if record_id is not None and not is_there:
        is_there = await attached_to(asked.connection, RECORD_FILES, media_id) == record_id
    if not is_there:
        raise not_processable(f"{_ATTACHMENT}.url", "there is no such Binary that you brought", "not-found")


DOCUMENT_REFERENCE = Resource(
    type="DocumentReference",
    documentation=(
        "Papers and pictures about a patient (PDF, JPEG, PNG, WebP), entered last first, those entered in error among "
        "them. What is in one is its attachment's data, or the url of a Binary that was created before; it is kept "
        "without what it tells beside its pages, so its size is its own."
    ),
    parameters=(
        *about("subject", "subject"),
        Parameter("type", "token", "What sort of document it is: system and code"),
        Parameter("status", "token", "Whether it still counts"),
        Parameter("date", "date", "When it was entered"),
        Parameter("author", "reference", "Who said it last", targets=("Practitioner",), elements=("author",)),
        Parameter(
            "custodian",
            "reference",
            "The clinic that answers for it",
            targets=("Organization",),
            elements=("custodian",),
        ),
    ),
    search=_RECORDS.search,
    own_read=_RECORDS.read,
    create=create,
    update=update,
    history=_RECORDS.history,
    read_version=_RECORDS.read_version,
    keeping=keeping,
    mandatory=frozenset({"status", "content"}),
    sorts=("date",),
    compartment="patient",
    changes=_RECORDS.changes,
)
