"""Profiles, contact points and residents over HTTP."""

import uuid
from typing import Annotated

from fastapi import Depends, Query, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.access import Member, member_guard
from app.identity.people import contacts, search, service, views
from app.identity.people.access import PersonSubject, own, person_guard
from app.identity.people.problems import (
    ContactPointExists,
    LastContactPoint,
    ReferenceTaken,
    ResidenceEnded,
    TooManyContactPoints,
)
from app.identity.people.schemas import (
    AccountChange,
    AccountPublic,
    ContactPointAdd,
    ContactPointChange,
    ContactPointPublic,
    ProfileChange,
    ProfilePublic,
    ResidentBrief,
    ResidentCreate,
    ResidentState,
)
from app.identity.scopes import CONTACTS_READ, PROFILE_MANAGE, PROFILE_READ
from app.identity.visibility import ResidentSubject, resident_guard

router = Router(tags=["identity"])

_KNOWN = (Unauthenticated, Forbidden, NotFound)


@router.get("/me/account", responses=problem_responses(*_KNOWN))
async def get_my_account(actor: CurrentActor, connection: Reading, response: Response) -> AccountPublic:
    """The signed-in person: name, language, time zone, and the roles they hold."""
    account = await views.account(connection, own(actor).actor)
    set_etag(response, account.version)
    return account


@router.patch("/me/account", responses=problem_responses(*_KNOWN, StaleVersion))
async def change_my_account(
    change: AccountChange, actor: CurrentActor, session: Session, if_match: IfMatch, response: Response
) -> AccountPublic:
    """Change one's own name, language or time zone."""
    await service.change_account(session, own(actor).actor, change, if_match)
    account = await views.account(await session.connection(), actor)
    set_etag(response, account.version)
    return account


@router.resident_route("GET", "/profile", responses=problem_responses(*_KNOWN))
async def get_profile(
    subject: Annotated[ResidentSubject, Depends(resident_guard(PROFILE_READ))],
    actor: CurrentActor,
    connection: Reading,
    response: Response,
) -> ProfilePublic:
    """What responders and carers must know about a resident."""
    if subject.relation == "self":
        profile = await views.profile(connection, subject.resident_id)
    else:
        profile = await views.profile_for(connection, actor, subject.resident_id)
    set_etag(response, profile.version)
    return profile


@router.resident_route(
    "PATCH", "/profile", responses=problem_responses(*_KNOWN, StaleVersion, ResidenceEnded, ReferenceTaken)
)
async def change_profile(
    change: ProfileChange,
    subject: Annotated[ResidentSubject, Depends(resident_guard(PROFILE_MANAGE))],
    actor: CurrentActor,
    session: Session,
    if_match: IfMatch,
    response: Response,
) -> ProfilePublic:
    """Change what is known about a resident; another time zone counts from the next check-in on."""
    await service.change_profile(session, actor, subject, change, if_match)
    profile = await views.profile(await session.connection(), subject.resident_id)
    set_etag(response, profile.version)
    return profile


@router.resident_route("GET", "/contact-points", responses=problem_responses(*_KNOWN))
async def list_contact_points(
    subject: Annotated[PersonSubject, Depends(person_guard(CONTACTS_READ))], connection: Reading
) -> Page[ContactPointPublic]:
    """How a person is reached, in the order it is tried."""
    if subject.relation == "self":
        points = (await views.contact_points(connection, [subject.account_id]))[subject.account_id]
    else:
        points = await views.contact_points_for(connection, subject.actor, subject.account_id, subject.resident_id)
    return Page(items=points, next=None)


@router.resident_route(
    "POST",
    "/contact-points",
    status_code=201,
    responses=problem_responses(*_KNOWN, ContactPointExists, TooManyContactPoints),
)
async def add_contact_point(
    data: ContactPointAdd,
    subject: Annotated[PersonSubject, Depends(person_guard(PROFILE_MANAGE))],
    session: Session,
    response: Response,
) -> ContactPointPublic:
    """Add a way to reach a person; it is verified when they first sign in with it."""
    point = await contacts.add_contact_point(session, subject, data)
    set_etag(response, point.version)
    return views.contact_point_public(point)


@router.resident_route(
    "PATCH",
    "/contact-points/{contact_point_id}",
    responses=problem_responses(*_KNOWN, StaleVersion, ContactPointExists),
)
async def change_contact_point(
    contact_point_id: uuid.UUID,
    change: ContactPointChange,
    subject: Annotated[PersonSubject, Depends(person_guard(PROFILE_MANAGE))],
    session: Session,
    if_match: IfMatch,
    response: Response,
) -> ContactPointPublic:
    """Change a way to reach a person: its value, what it can do, when it may be used, its place in the order."""
    point = await contacts.change_contact_point(session, subject, contact_point_id, change, if_match)
    set_etag(response, point.version)
    return views.contact_point_public(point)


@router.resident_route(
    "DELETE",
    "/contact-points/{contact_point_id}",
    status_code=204,
    responses=problem_responses(*_KNOWN, StaleVersion, LastContactPoint),
)
async def remove_contact_point(
    contact_point_id: uuid.UUID,
    subject: Annotated[PersonSubject, Depends(person_guard(PROFILE_MANAGE))],
    session: Session,
    if_match: IfMatch,
) -> None:
    """Remove a way to reach a person, unless it is the last one."""
    await contacts.remove_contact_point(session, subject, contact_point_id, if_match)


@router.post("/residents", status_code=201, responses=problem_responses(*_KNOWN, ReferenceTaken, ContactPointExists))
async def create_resident(
    data: ResidentCreate,
    member: Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))],
    session: Session,
    response: Response,
) -> ProfilePublic:
    """Take in a resident: with a household, contact points and what responders must know."""
    resident = await service.create_resident(session, member.actor, data)
    profile = await views.profile(await session.connection(), resident.id)
    set_etag(response, profile.version)
    response.headers["Location"] = f"/v1/residents/{resident.id}/profile"
    return profile


@router.get("/residents", responses=problem_responses(Unauthenticated))
async def list_residents(
    actor: CurrentActor,
    connection: Reading,
    page: PageQuery,
    query: Annotated[
        str | None,
        Query(max_length=100, description="part of a name, a phone number, a reference; for staff a national id"),
    ] = None,
    state: ResidentState = "active",
) -> Page[ResidentBrief]:
    """The residents the caller may see, in the order of names: their own, those who granted it, those they work for."""
    return await search.residents(connection, actor, page, query=query, state=state)
