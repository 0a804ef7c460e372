"""The HTTP side of what a person wants to be told."""

from fastapi import Response

from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Person
from notifications.preferences import service, views
from notifications.preferences.schemas import NotificationPreferencesPublic, NotificationPreferencesSet

router = Router(tags=["notifications"])

_REFUSALS = (Unauthenticated, Forbidden, NotFound)


@router.get("/me/notification-preferences", responses=problem_responses(*_REFUSALS))
async def get_my_notification_preferences(
    person: Person, connection: Reading, response: Response
) -> NotificationPreferencesPublic:
    """What I am told, over which channel and when, and what of it I can choose."""
    found = await views.preferences(connection, person.id)
    set_etag(response, found.version)
    return found


@router.put("/me/notification-preferences", responses=problem_responses(*_REFUSALS, StaleVersion))
async def set_my_notification_preferences(
    person: Person, session: Session, data: NotificationPreferencesSet, if_match: IfMatch, response: Response
) -> NotificationPreferencesPublic:
    """Choose what I am told, over which channel and when; what is critical always comes."""
    await service.set_preferences(session, person, data, if_match)
    chosen = await views.preferences(await session.connection(), person.id)
    set_etag(response, chosen.version)
    return chosen
