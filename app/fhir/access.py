"""Who may speak FHIR here: signed-in people, and organizations' systems; what they see is each package's to say."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.access import Actor, CurrentActor, authenticate
from app.core.problems import Forbidden, Unauthenticated


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
