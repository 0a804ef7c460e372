"""API clients over HTTP, for those who run an organization."""

import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, status

from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.access import Member, member_guard
from app.identity.clients import service
from app.identity.clients.problems import NoSystem, ScopeBeyondYours, TooManyKeys
from app.identity.clients.schemas import ApiClientCreate, ApiClientPublic, ApiKeyCreated, ApiKeyRotate

router = Router(tags=["identity"])

Manager = Annotated[Member, Depends(member_guard("operator", "coordinator"))]
_PATH = "/organizations/{organization_id}/api-clients"
_PROBLEMS = (Unauthenticated, Forbidden, NotFound)


@router.get(_PATH, responses=problem_responses(*_PROBLEMS))
async def list_api_clients(organization_id: uuid.UUID, _: Manager, connection: Reading) -> Page[ApiClientPublic]:
    """List the organization's API clients with their good keys."""
    return Page(items=await service.list_clients(connection, organization_id), next=None)


@router.post(_PATH, status_code=status.HTTP_201_CREATED, responses=problem_responses(*_PROBLEMS, ScopeBeyondYours))
@route_options(idempotency=False)
async def create_api_client(
    organization_id: uuid.UUID, data: ApiClientCreate, member: Manager, session: Session
) -> ApiKeyCreated:
    """Create an API client. Its key is shown this once; only a hash of it is kept."""
    return await service.create_client(session, member, organization_id, data)


@router.post(
    f"{_PATH}/{{client_id}}/keys",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(*_PROBLEMS, TooManyKeys, NoSystem),
)
@route_options(idempotency=False)
async def rotate_api_key(
    organization_id: uuid.UUID, client_id: uuid.UUID, data: ApiKeyRotate, member: Manager, session: Session
) -> ApiKeyCreated:
    """Give a client its next key; its present keys stay good for the overlap, so that nothing stops."""
    overlap = timedelta(hours=data.overlap_hours)
    return await service.rotate_key(session, member, organization_id, client_id, overlap)


@router.delete(
    f"{_PATH}/{{client_id}}", status_code=status.HTTP_204_NO_CONTENT, responses=problem_responses(*_PROBLEMS)
)
async def revoke_api_client(
    organization_id: uuid.UUID, client_id: uuid.UUID, member: Manager, session: Session
) -> None:
    """End a client and all its keys, at once."""
    await service.revoke_client(session, member, organization_id, client_id)


@router.delete(
    f"{_PATH}/{{client_id}}/keys/{{key_id}}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(*_PROBLEMS),
)
async def revoke_api_key(
    organization_id: uuid.UUID, client_id: uuid.UUID, key_id: uuid.UUID, member: Manager, session: Session
) -> None:
    """End one key of a client, at once."""
    await service.revoke_key(session, member, organization_id, client_id, key_id)
