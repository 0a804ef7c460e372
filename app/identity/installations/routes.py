"""Phones over HTTP: a phone registers itself, and paired phones are listed and cut off."""

import uuid
from typing import Annotated

from fastapi import Depends, Path, status

from app.core.access import CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.installations import service
from app.identity.installations.schemas import (
    ClientId,
    DeviceCredentialPublic,
    InstallationPublic,
    InstallationRegister,
)
from app.identity.scopes import PROFILE_MANAGE
from app.identity.signed_in import PeopleOnly, Person
from app.identity.visibility import ResidentSubject, resident_guard, trace_read

router = Router(tags=["identity"])

ClientIdPath = Annotated[
    ClientId, Path(description="the phone's own name: its Firebase installation id, or an id it made")
]
Managed = Annotated[ResidentSubject, Depends(resident_guard(PROFILE_MANAGE))]
_PROBLEMS = problem_responses(Unauthenticated, PeopleOnly)


@router.put("/me/installations/{client_id}", responses=_PROBLEMS)
async def register_my_installation(
    client_id: ClientIdPath, data: InstallationRegister, actor: Person, session: Session
) -> InstallationPublic:
    """Register the phone for pushes, or refresh what is known of it. A phone that changes hands moves to the caller."""
    row = await service.register(session, actor, client_id, data)
    return InstallationPublic.model_validate(row, from_attributes=True)


@router.delete(
    "/me/installations/{client_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, PeopleOnly, NotFound),
)
async def remove_my_installation(client_id: ClientIdPath, actor: Person, session: Session) -> None:
    """Stop pushes to one of the caller's phones."""
    await service.unregister(session, actor, client_id)


@router.resident_route("GET", "/device-credentials", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def list_device_credentials(
    subject: Managed, actor: CurrentActor, connection: Reading
) -> Page[DeviceCredentialPublic]:
    """List the paired phones that can raise an alarm for the resident."""
    await trace_read(connection, actor, subject, "device_credential:list")
    rows = await service.device_credentials(connection, subject.resident_id)
    return Page(items=[DeviceCredentialPublic.model_validate(dict(row)) for row in rows], next=None)


@router.resident_route(
    "DELETE",
    "/device-credentials/{credential_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound),
)
async def revoke_device_credential(
    credential_id: uuid.UUID, subject: Managed, actor: CurrentActor, session: Session
) -> None:
    """Cut off a paired phone: it can no longer raise an alarm for the resident without signing in."""
    await service.revoke_device_credential(session, actor, subject.resident_id, credential_id)
