"""Looking for a time over HTTP."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query

from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Forbidden, Malformed, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.api import Language, Person
from telemedicine.clinics.access import works_for
from telemedicine.clinics.rules import Mode, Sex
from telemedicine.clinics.schemas.clinics import Code
from telemedicine.clinics.schemas.slots import SlotPublic, Sort
from telemedicine.clinics.service import slots
from telemedicine.clinics.views.offers import SlotQuery

router = Router(tags=["telemedicine"])

Near = Annotated[
    str | None, Query(max_length=64, description="latitude,longitude in degrees: visits in person are within reach")
]
_NEAR = re.compile(r"\s*(-?\d{1,2}(?:\.\d{1,15})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,15})?)\s*")


def _place(near: str | None) -> tuple[float, float] | None:
    if near is None:
        return None
    found = _NEAR.fullmatch(near)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise Malformed(errors=[FieldError("/query/near", "expected latitude,longitude in degrees", "near")])
    return float(found[1]), float(found[2])


async def _who(
    practitioner: uuid.UUID | None = None,
    specialty: Annotated[Code | None, Query()] = None,
    language: Annotated[Language | None, Query(description="spoken by the practitioner or an interpreter")] = None,
    sex: Annotated[Sex | None, Query(description="the practitioner's")] = None,
) -> dict[str, Any]:
    return {"practitioner_id": practitioner, "specialty": specialty, "language": language, "sex": sex}


async def _what(
    visit_type: uuid.UUID | None = None,
    mode: Mode | None = None,
    near: Near = None,
    within: Annotated[int, Query(ge=100, le=500_000, description="metres from `near`")] = 25_000,
) -> dict[str, Any]:
    return {"visit_type_id": visit_type, "mode": mode, "near": _place(near), "within": within}


async def _order(
    earliest: Annotated[GivenInstant | None, Query(description="default: now")] = None,
    sort: Annotated[
        Sort, Query(description="nearest: by place, the nearest to `near` first; what needs no way comes last")
    ] = "earliest",
) -> tuple[datetime | None, Sort]:
    return earliest, sort


@router.get("/slots", responses=problem_responses(Unauthenticated, Forbidden))
async def list_slots(
    connection: Reading,
    actor: Person,
    page: PageQuery,
    who: Annotated[dict[str, Any], Depends(_who)],
    what: Annotated[dict[str, Any], Depends(_what)],
    order: Annotated[tuple[datetime | None, Sort], Depends(_order)],
) -> Page[SlotPublic]:
    """List the times that can be booked at the clinics of one's community, the earliest or the nearest first.

    What is shown is not held: two who see a time can both ask for it, and one of them gets it.
    """
    query = SlotQuery(community_id=actor.community_id, works_for=works_for(actor), **who, **what)
    return await slots.search(connection, query, order[0], page, order[1])
