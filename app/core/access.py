"""Who is asking: the actor of a request, how it is found out, and routes that are open to everyone."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, TypeVar

import structlog
from fastapi import Depends, Request

from app.core.problems import Unauthenticated

ActorKind = Literal["account", "client", "device", "system", "anonymous"]
SYSTEM_ID = uuid.UUID(int=0)
NOBODY_ID = uuid.UUID(int=1)
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Membership:
    """A role somebody holds in an organization."""

    organization_id: uuid.UUID
    organization_kind: str
    role: str


@dataclass(frozen=True, slots=True)
class App:
    """The program an access token was given to, and what was agreed for it: SMART scopes, and whom those of a patient
    are about.
    """

    id: uuid.UUID
    scopes: tuple[str, ...]
    patient_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever performs a request, a job or a command.

    ``id`` is the account, the API client or the device credential. ``scopes`` narrows clients and devices, and people
    who come through an ``app``; other accounts have ``None``: their rights come from being the resident, from grants
    and from memberships. ``resident_state`` and ``time_zone`` are known of an account that is a resident: most requests
    are about oneself. ``viewed_by`` is the account of whoever of support looks on as this person: what is asked is
    answered as to the person, stands in the trail as theirs, and nothing can be changed.
    """

    kind: ActorKind
    id: uuid.UUID
    community_id: uuid.UUID
    session_id: uuid.UUID | None = None
    resident_id: uuid.UUID | None = None
    memberships: tuple[Membership, ...] = ()
    scopes: frozenset[str] | None = None
    second_factor: bool = False
    resident_state: str | None = None
    time_zone: str | None = None
    app: App | None = None
    viewed_by: uuid.UUID | None = None

    def holds(self, *roles: str, organization_kind: str | None = None) -> bool:
        """Say whether the actor has one of ``roles``, in an organization of that kind if one is named."""
        return any(
            membership.role in roles and organization_kind in (None, membership.organization_kind)
            for membership in self.memberships
        )


ANONYMOUS = Actor(kind="anonymous", id=NOBODY_ID, community_id=NOBODY_ID)


def system_actor(community_id: uuid.UUID) -> Actor:
    """Return the actor of what Hearthline does by itself in a community."""
    return Actor(kind="system", id=SYSTEM_ID, community_id=community_id)


class Authenticator(Protocol):
    """Finds out who sends a request; the identity package implements it, the assembly installs it."""

    async def authenticate(self, request: Request) -> Actor:
        """Return the actor, ``ANONYMOUS`` without a credential; raises ``Unauthenticated`` for a bad credential."""
        ...


class _Nobody:
    async def authenticate(self, request: Request) -> Actor:  # noqa: ARG002 - the protocol's signature
        return ANONYMOUS


_authenticator: Authenticator = _Nobody()


def install_authenticator(authenticator: Authenticator) -> None:
    """Make ``authenticator`` the one every request goes through."""
    global _authenticator  # noqa: PLW0603 - one authenticator per process
    _authenticator = authenticator


async def authenticate(request: Request) -> Actor:
    """Return who sends ``request``, asking the authenticator once per request."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        actor = await _authenticator.authenticate(request)
        request.state.actor = actor
        structlog.contextvars.bind_contextvars(actor_id=str(actor.id), community_id=str(actor.community_id))
        if actor.viewed_by is not None:
            structlog.contextvars.bind_contextvars(viewed_by=str(actor.viewed_by))
    return actor


async def authenticate_again(request: Request) -> Actor:
    """Return who sends ``request`` as of this moment, for what goes on after the request was let in.

    Raises ``Unauthenticated`` once the credential is no longer good.
    """
    return await _authenticator.authenticate(request)


async def _signed_in(request: Request) -> Actor:
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    return actor


async def _anyone(request: Request) -> Actor:
    return await authenticate(request)


CurrentActor = Annotated[Actor, Depends(_signed_in)]
"""The actor of the request; 401 if nobody is signed in."""

AnyActor = Annotated[Actor, Depends(_anyone)]
"""The actor of the request, possibly ``ANONYMOUS``: for public routes only."""

PUBLIC = "hearthline_public"
NOT_VIEWED = "hearthline_not_viewed"


def public(reason: str) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint as open to everyone, with the reason; an unmarked endpoint without a guard fails a test."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, PUBLIC, reason)
        return endpoint

    return mark


def not_viewed(reason: str) -> Callable[[Endpoint], Endpoint]:
    """Mark a reading endpoint whose answer goes to the person alone, and to nobody who looks on as them: ``reason``."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, NOT_VIEWED, reason)
        return endpoint

    return mark
