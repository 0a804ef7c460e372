"""Uploads over HTTP: begin, send pieces, ask how far it is, cancel; and the signed links files are served by."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request, Response, status

from app.core.access import public
from app.core.database import reading
from app.core.problems import (
    NotFound,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
    problem_responses,
)
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import PeopleOnly, Person
from app.media import links, service, views
from app.media.problems import (
    ChecksumMismatch,
    ContentMismatch,
    DocumentLocked,
    LinkExpired,
    TooManyUploads,
    TypeNotAccepted,
    UnreadableContent,
    UploadInUse,
    UploadLinkRevoked,
    UploadLinkSpent,
    UploadQuotaExceeded,
    UploadRejected,
    UploadTooLarge,
    WrongOffset,
)
from app.media.schemas import UploadCreate, UploadPublic
from app.media.whole import served

PIECE_TYPE: Final = "application/offset+octet-stream"
_UPLOADS_PER_PERSON: Final = rate_limited("uploads", Rate(60, timedelta(minutes=10)), by="actor")
_PIECE: Final = {
    "requestBody": {"required": True, "content": {PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}
_CONTENT_REFUSALS: Final = (
    UploadTooLarge,
    UnsupportedMediaType,
    ContentMismatch,
    ChecksumMismatch,
    UnreadableContent,
    DocumentLocked,
)
_LINK_REFUSALS: Final = (NotFound, LinkExpired, UploadLinkRevoked, UploadLinkSpent)
_FILE: Final = {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}

router = Router(tags=["media"])

Offset = Annotated[int, Header(ge=0, le=2**40, description="where in the file this piece begins")]


async def _link(
    session: uuid.UUID,
    expires: Annotated[int, Query(ge=0, le=2**33)],
    signature: Annotated[str, Query(max_length=64)],
) -> links.UploadLink:
    return links.UploadLink(session, expires, signature)


Link = Annotated[links.UploadLink, Depends(_link)]


@router.post(
    "/uploads",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(_UPLOADS_PER_PERSON)],
    responses=problem_responses(
        Unauthenticated,
        PeopleOnly,
        TypeNotAccepted,
        UploadTooLarge,
        TooManyUploads,
        UploadQuotaExceeded,
        TooManyRequests,
    ),
)
async def begin_upload(data: UploadCreate, actor: Person, session: Session, response: Response) -> UploadPublic:
    """Declare a file; then send it with `PATCH /v1/uploads/{id}`, in as many pieces as the connection needs."""
    upload = await service.begin(session, actor, data)
    response.headers["Location"] = f"/v1/uploads/{upload.id}"
    return upload


@router.get("/uploads/{upload_id}", responses=problem_responses(Unauthenticated, PeopleOnly, NotFound))
async def get_upload(upload_id: uuid.UUID, actor: Person, connection: Reading, response: Response) -> UploadPublic:
    """Ask how far an upload is: `received` is where the next piece begins."""
    upload = await views.upload_of(connection, actor, upload_id)
    response.headers["Upload-Offset"] = str(upload.received)
    return upload


@router.patch(
    "/uploads/{upload_id}",
    responses=problem_responses(
        Unauthenticated,
        PeopleOnly,
        NotFound,
        WrongOffset,
        UploadRejected,
        *_CONTENT_REFUSALS,
    ),
    openapi_extra=_PIECE,
)
@route_options(database=False)
async def send_piece(
    upload_id: uuid.UUID,
    actor: Person,
    request: Request,
    response: Response,
    upload_offset: Offset,
) -> UploadPublic:
    """Send the next piece. The one that completes the file is answered when the file was looked into and stored."""
    _require_piece(request)
    upload = await service.receive(actor, upload_id, upload_offset, await request.body())
    response.headers["Upload-Offset"] = str(upload.received)
    return upload


@router.head(
    "/uploads/{upload_id}/content",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_LINK_REFUSALS),
)
@public("the signature is the right: the upload's owner was given the link")
async def get_progress_by_link(upload_id: uuid.UUID, link: Link, connection: Reading, response: Response) -> None:
    """Ask by an upload's `upload_url` how far it is: the next piece begins at `Upload-Offset` of `Upload-Length`."""
    upload = await views.upload_of_link(connection, link, upload_id)
    _say_progress(response, upload.received)
    response.headers["Upload-Length"] = str(upload.size)


@router.patch(
    "/uploads/{upload_id}/content",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_LINK_REFUSALS, WrongOffset, *_CONTENT_REFUSALS),
    openapi_extra=_PIECE,
)
@route_options(database=False)
@public("the signature is the right: the upload's owner was given the link")
async def send_piece_by_link(
    upload_id: uuid.UUID, link: Link, request: Request, response: Response, upload_offset: Offset
) -> None:
    """Send the next piece to an upload's `upload_url`, without signing in; `Upload-Offset` says how far it is now.

    For a phone that goes on in the background after its access token has ended. The link is good for this upload alone
    and lets nobody read it; it is over with the last piece, and when its owner signs out or is deactivated.
    """
    _require_piece(request)
    async with reading() as connection:  # before anything is received from whoever may have found it somewhere
        await views.upload_of_link(connection, link, upload_id)
    _say_progress(response, await service.receive_by_link(link, upload_id, upload_offset, await request.body()))


def _require_piece(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PIECE_TYPE:
        raise UnsupportedMediaType(f"send pieces as {PIECE_TYPE}")


def _say_progress(response: Response, received: int) -> None:
    response.headers["Upload-Offset"] = str(received)
    response.headers["Cache-Control"] = "no-store"


@router.delete(
    "/uploads/{upload_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, PeopleOnly, NotFound, UploadInUse),
)
async def cancel_upload(upload_id: uuid.UUID, actor: Person, session: Session) -> None:
    """Remove an upload that belongs to nothing yet."""
    await service.cancel(session, actor, upload_id)


@router.get(
    "/media/{media_id}",
    response_class=Response,
    responses={200: _FILE, **problem_responses(NotFound, LinkExpired)},
)
@public("the signature is the right: whoever may see the file was given the link")
async def get_media(
    media_id: uuid.UUID,
    connection: Reading,
    expires: Annotated[int, Query(ge=0, le=2**33)],
    signature: Annotated[str, Query(max_length=64)],
) -> Response:
    """Serve a file by a signed link; ranges are answered."""
    left = links.check(media_id, expires, signature)
    content_type = await views.content_type_of(connection, media_id)
    return served(media_id, content_type, left)
