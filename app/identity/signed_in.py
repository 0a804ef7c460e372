"""The guard of what only a signed-in person can do."""

from typing import Annotated

from fastapi import Depends

from app.core.access import Actor, CurrentActor
from app.core.problems import Forbidden


class PeopleOnly(Forbidden):
    """The route is for signed-in people, not for API clients and devices."""

    code, title = "people_only", "Only a signed-in person can do this"


async def signed_in_person(actor: CurrentActor) -> Actor:
    """Return the actor; raises ``Unauthenticated`` for nobody, ``PeopleOnly`` for API clients and devices."""
    if actor.kind != "account":
        raise PeopleOnly
    return actor


Person = Annotated[Actor, Depends(signed_in_person)]
"""The signed-in person of the request: 401 if nobody is signed in, 403 for API clients and devices."""
