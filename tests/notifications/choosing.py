"""What people of the tests choose, really committed."""

import uuid
from typing import Any

from app.core.access import Actor
from app.core.database import unit_of_work
from app.identity.models import Account
from notifications.preferences.schemas import NotificationPreferencesSet
from notifications.preferences.service import set_preferences

NIGHT = {"begins": "22:00", "ends": "07:00"}


async def choose(account: Account, **chosen: Any) -> None:
    """Let a person choose anew; what is not given is not chosen."""
    actor = Actor(kind="account", id=account.id, community_id=account.community_id)
    async with unit_of_work() as session:
        await set_preferences(session, actor, NotificationPreferencesSet.model_validate(chosen), None)


async def choose_about(account: Account, category: str, **chosen: Any) -> None:
    """Let a person choose about one category."""
    await choose(account, categories=[{"category": category, **chosen}])


def origin(number: int) -> tuple[str, uuid.UUID]:
    """Return an origin that waits to hear."""
    return "tests.lamp", uuid.UUID(int=number)
