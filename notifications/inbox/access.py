"""Whose inbox it is: an account reads its own, nobody reads another's; machines have none."""

from typing import Annotated

from fastapi import Depends

from app.core.access import Actor, CurrentActor
from app.core.problems import Forbidden


async def inbox_owner(actor: CurrentActor) -> Actor:
    """Return the actor if they are a person with an account; raises ``Unauthenticated`` or ``Forbidden``."""
    if actor.kind != "account":
        raise Forbidden("only people have an inbox")
    return actor


InboxOwner = Annotated[Actor, Depends(inbox_owner)]
