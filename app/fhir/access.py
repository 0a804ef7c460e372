"""Who may speak FHIR here: signed-in people, and organizations' systems; what they see is each package's to say."""

from typing import Annotated

from fastapi import Depends

from app.core.access import Actor, CurrentActor
from app.core.problems import Forbidden


async def _integrator(actor: CurrentActor) -> Actor:
    if actor.kind not in ("account", "client"):
        raise Forbidden("a paired phone speaks no FHIR")
    return actor


Integrator = Annotated[Actor, Depends(_integrator)]
"""The person or the system that asks: 401 for nobody, 403 for devices."""
