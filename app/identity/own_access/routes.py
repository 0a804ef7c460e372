"""One's own rights over HTTP: what somebody may see and do with a resident, and why."""

import uuid

from app.core.problems import NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.own_access import views
from app.identity.own_access.schemas import OwnAccess
from app.identity.signed_in import PeopleOnly, Person

router = Router(tags=["identity"])


@router.get("/me/access/{resident_id}", responses=problem_responses(Unauthenticated, PeopleOnly, NotFound))
async def get_own_access(resident_id: uuid.UUID, actor: Person, connection: Reading) -> OwnAccess:
    """Show what one may see and do with a resident at this moment, and why: by whose word, by which work, until when.

    A resident is told of it, too: their grants and who read what are theirs to look up.
    """
    return await views.own_access(connection, actor, resident_id)
