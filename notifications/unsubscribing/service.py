"""Ending what a link stands for."""

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.identity import api as identity
from notifications.preferences.service import mute
from notifications.templates.texts import FALLBACK, language_for
from notifications.unsubscribing.links import Subscription


async def language_of(connection: AsyncConnection, subscription: Subscription) -> str:
    """Return the language to speak to the person in."""
    person = (await identity.people(connection, [subscription.account_id])).get(subscription.account_id)
    return language_for(person.language) if person else FALLBACK


async def unsubscribe(session: AsyncSession, subscription: Subscription) -> None:
    """Silence what the link stands for; of somebody who is gone nothing is stored."""
    people = await identity.people(await session.connection(), [subscription.account_id])
    if subscription.account_id in people:
        await mute(session, subscription.account_id, subscription.category, subscription.channel)
