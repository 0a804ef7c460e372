"""Who may speak FHIR here: signed-in people, organizations' systems, and apps within the scopes they were given.

What a resource shows to whom is each package's to say. This is about less: a token of an app or a system lets do what
its SMART scopes say and no more, whatever its actor may beside it.
"""

import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.core import audit
from app.core.access import Actor, App, CurrentActor, authenticate
from app.core.problems import Forbidden, Unauthenticated
from app.fhir.registry import Asked
from app.identity.api import DIRECTORY, Interaction, smart_scopes


class InsufficientScope(Forbidden):
    """The token's scopes do not let this be done with this kind of resource (RFC 6750, 3.1)."""

    code, title = "insufficient_scope", "The scopes of this token do not let you do this"


async def speaking(request: Request) -> Actor:
    """Return the person or the system that asks, before anything else is done; raises as ``Integrator`` does."""
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    return await _integrator(actor)


async def _integrator(actor: CurrentActor) -> Actor:
    if actor.kind not in ("account", "client"):
        raise Forbidden("a paired phone speaks no FHIR")
    return actor


Integrator = Annotated[Actor, Depends(_integrator)]
"""The person or the system that asks: 401 for nobody, 403 for devices."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a token goes with a kind of resource: to what is about one ``patient``, or to all the actor may."""

    patient: uuid.UUID | None = None


def reach(actor: Actor, kind: str, interaction: Interaction) -> Reach | None:
    """Return how far the actor's token goes in an interaction with a kind of resource; ``None``: not at all.

    A credential without SMART scopes (a person's own session, an API key) goes as far as its actor.
    """
    app = actor.app
    if app is None:
        return Reach()
    contexts = {scope.context for scope in smart_scopes(app.scopes) if scope.covers(kind, interaction)}
    if ("system" if actor.kind == "client" else "user") in contexts:
        return Reach()
    return _of_patient(app, kind) if actor.kind == "account" and "patient" in contexts else None


def _of_patient(app: App, kind: str) -> Reach | None:
    """Return how far scopes of a patient go: what is about nobody can be read along (SMART App Launch 2.2)."""
    if kind in DIRECTORY:
        return Reach()
    return None if app.patient_id is None else Reach(app.patient_id)


def require(actor: Actor, kind: str, interaction: Interaction) -> Reach:
    """Return how far the actor's token goes; raises ``InsufficientScope`` if it does not let this be done."""
    found = reach(actor, kind, interaction)
    if found is None:
        raise insufficient(actor, kind, interaction)
    return found


def insufficient(actor: Actor, kind: str, interaction: Interaction) -> InsufficientScope:
    """Return the refusal, which names the scope that would do."""
    of_patient = actor.app is not None and actor.app.patient_id is not None
    context = "system" if actor.kind == "client" else "patient" if of_patient else "user"
    needed = f"{context}/{kind}.{interaction}"
    challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
    return InsufficientScope(f"this needs {needed}", headers={"WWW-Authenticate": challenge})


async def note_own_read(asked: Asked, resident_id: uuid.UUID | None) -> None:
    """Put on record, as an app's doing, that it reads something of the very person who let it in."""
    actor = asked.actor
    is_own = resident_id is not None and resident_id == actor.resident_id
    if is_own and actor.app is not None:
        await audit.record(asked.connection, actor, "app:read", resident_id=resident_id)
