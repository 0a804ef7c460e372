"""Binary: what is in a document, as its own bytes or within JSON; whoever may read the document may read it."""

import base64
import binascii
import uuid
from datetime import timedelta
from typing import Final

from fastapi import Request
from starlette.responses import Response

from app.core.access import Actor
from app.core.database import reading
from app.core.problems import NotFound
from app.fhir.elements import Json, instant, reference, resource
from app.fhir.intake import check, loaded
from app.fhir.negotiation import is_json
from app.fhir.problems import bad_parameter, not_processable
from app.fhir.registry import ID, Asked, Found, Query, Resource
from app.fhir.resources.document_reference import require_bringing
from app.fhir.resources.records import key_of
from app.media.api import KeptFile, Purpose, bytes_of, keep, kept_file, served
from telemedicine.api import record_of_file

_LONGEST: Final = 28 * 2**20
"""Bytes of a request: twenty megabytes in Base64, and what is said around them."""


async def _file(asked: Asked, key: str) -> tuple[KeptFile, Json | None]:
    """Return a file the actor may read, and the document it hangs on: none as long as it belongs to nothing.

    Raises ``NotFound``, and as a read of the document does.
    """
    file = await kept_file(asked.connection, key_of(key))
    if file.owner_id is None:
        document = await record_of_file(asked.connection, asked.actor, file.id)
        return file, reference("DocumentReference", document.id)
    if file.owner_id != asked.actor.id:
        raise NotFound
    return file, None


def _shown(file: KeptFile, document: Json | None, data: bytes | None = None) -> Json:
    return resource(
        "Binary",
        file.id,
        meta={"lastUpdated": instant(file.updated_at)},
        contentType=file.content_type,
        securityContext=document,
        data=None if data is None else base64.b64encode(data).decode(),
    )


async def read(asked: Asked, key: str) -> Json:
    """Return what is in a document within JSON; raises ``NotFound``, and as a read of the document does."""
    file, document = await _file(asked, key)
    return _shown(file, document, await bytes_of(file))


async def send(asked: Asked, key: str) -> Response:
    """Return what is in a document as its own bytes; raises as ``read``."""
    file, _ = await _file(asked, key)
    return served(file.id, file.content_type, timedelta())


async def whose(asked: Asked, key: str) -> uuid.UUID | None:
    """Return about whom the document is that a file hangs on, ``None`` of none; raises as ``read``."""
    file = await kept_file(asked.connection, key_of(key))
    if file.owner_id is not None:
        return None
    return (await record_of_file(asked.connection, asked.actor, file.id)).resident_id


async def search(asked: Asked, query: Query) -> Found:
    """Return those that are wanted by their ids; raises ``BadSearch`` where none are."""
    if query.ids is None:
        raise bad_parameter("_id", "say which: documents are found as DocumentReference", "required")
    found = []
    for key in sorted(query.ids)[: query.page.limit]:
        try:
            found.append(await read(asked, key))
        except NotFound:
            continue
    return Found(found)


async def receive(actor: Actor, request: Request) -> Json:
    """Keep what is sent, as it is or within JSON, for a DocumentReference of the actor's to refer to.

    It is removed after some days unless one does. Raises what ``keep`` raises, ``BadResource``, ``NotProcessable``.
    """
    require_bringing(actor)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = await request.body()
    if is_json(content_type):
        document = loaded(data, "Binary")
        encoded = document.pop("data", None)
        check("Binary", document)
        for name in sorted(document.keys() - {"resourceType", "id", "meta", "contentType"}):
            raise not_processable(f"Binary.{name}", "this is not kept here: leave it out", "not-supported")
        content_type = document["contentType"]
        try:
            data = base64.b64decode("".join(str(encoded or "").split()), validate=True)
        except binascii.Error:
            raise not_processable("Binary.data", "this is no Base64", "value") from None
    return await _brought(actor, data, content_type)


async def _brought(actor: Actor, data: bytes, content_type: str) -> Json:
    media_id = await keep(actor, data, content_type or None, purpose=Purpose.DOCUMENT)
    async with reading() as connection:
        return _shown(await kept_file(connection, media_id), None)


async def create(_asked: Asked, _document: Json) -> Json:
    """Refuse one within a transaction: looking into it takes seconds."""
    raise not_processable("Binary", "create it by itself, and refer to it", "not-supported")


BINARY = Resource(
    type="Binary",
    documentation=(
        "What is in a document, to whoever may read its DocumentReference: within JSON if that is asked for "
        "(application/fhir+json), its own bytes otherwise. Create one of at most twenty megabytes for a "
        "DocumentReference to refer to."
    ),
    parameters=(ID,),
    search=search,
    own_read=read,
    create=create,
    receive=receive,
    longest=_LONGEST,
    send=send,
    whose=whose,
    mandatory=frozenset({"contentType"}),
)
