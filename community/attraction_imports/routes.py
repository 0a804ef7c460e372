"""Imports of attractions over HTTP."""

import uuid
from typing import Any, Final

from fastapi import Request

from app.core.bodies import receive
from app.core.problems import (
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    Unauthenticated,
    UnsupportedMediaType,
    problem_responses,
)
from app.core.routing import Router, route_options
from community.attraction_imports import service
from community.attraction_imports.problems import ImportRefused
from community.attraction_imports.schemas import AttractionImportReport
from community.attraction_imports.service import Format
from community.attractions.access import Keeper
from community.attractions.problems import NotAnAttraction

router = Router(tags=["tourism"])

MAX_BODY: Final = 10 * 1_048_576
_FORMATS: Final[dict[str, Format]] = {"application/geo+json": "geojson", "application/ld+json": "jsonld"}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A FeatureCollection of points (RFC 7946), or schema.org's TouristAttraction as JSON-LD."
        " At most 10 MB and 5,000 attractions.",
        "content": {media_type: {"schema": {"type": "object"}} for media_type in _FORMATS},
    }
}


@router.post(
    "/organizations/{organization_id}/attraction-imports",
    max_body_size=MAX_BODY,
    openapi_extra=_BODY,
    responses=problem_responses(
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        PayloadTooLarge,
        UnsupportedMediaType,
        NotAnAttraction,
        ImportRefused,
    ),
)
@route_options(database=False, idempotency=False)
async def import_attractions(organization_id: uuid.UUID, request: Request, member: Keeper) -> AttractionImportReport:
    """Take the attractions of a file, new ones as drafts; repeatable by the file's own ids, whole or not at all."""
    kind = _FORMATS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if kind is None:
        raise UnsupportedMediaType(f"send {' or '.join(_FORMATS)}")
    await receive(request)
    return await service.run(member.actor, organization_id, await request.body(), kind)
