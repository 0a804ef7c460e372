"""Imports over HTTP."""

import tempfile
from typing import Annotated, Final

from fastapi import Depends, Header, Query, Request

from app.core.problems import Forbidden, PayloadTooLarge, Unauthenticated, UnsupportedMediaType, problem_responses
from app.core.routing import Router, route_options
from app.identity.access import Member, member_guard
from app.identity.consent.texts import LANGUAGES, language_for
from app.identity.importing import service
from app.identity.importing.files import FileKind
from app.identity.importing.problems import FileRefused
from app.identity.importing.schemas import ImportReport

router = Router(tags=["identity"])

MAX_BODY: Final = 20 * 1_048_576
_KINDS: Final[dict[str, FileKind]] = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "One resident per row; CSV in UTF-8, or a spreadsheet whose first sheet is read. At most 20 MB.",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in _KINDS},
    }
}


@router.post(
    "/imports",
    max_body_size=MAX_BODY,
    openapi_extra=_BODY,
    responses=problem_responses(Unauthenticated, Forbidden, PayloadTooLarge, UnsupportedMediaType, FileRefused),
)
@route_options(database=False, idempotency=False)
async def import_residents(
    request: Request,
    member: Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))],
    dry_run: Annotated[bool, Query(description="only say what would become of each row")] = False,
    accept_language: Annotated[str, Header(max_length=200)] = LANGUAGES[0],
) -> ImportReport:
    """Import residents, households, contacts and consents; repeatable by the operator's own `reference`."""
    kind = _KINDS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if kind is None:
        raise UnsupportedMediaType(f"send {' or '.join(_KINDS)}")
    with tempfile.SpooledTemporaryFile(max_size=1_048_576) as file:
        async for block in request.stream():
            file.write(block)
        file.seek(0)
        return await service.run(
            file,  # type: ignore[arg-type]  # typeshed does not call it a BinaryIO
            kind,
            actor=member.actor,
            dry_run=dry_run,
            language=language_for(accept_language),
        )
