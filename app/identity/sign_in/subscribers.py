"""What signing in does when a person's addresses change: a login that came by one of them has to show it again."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ContactPointsChanged
from app.identity.sign_in import repository


async def _forget_logins(session: AsyncSession, events: Sequence[ContactPointsChanged]) -> None:
    # Whoever lost an address must not keep the account through a login that once showed it. Who still has one is found
    # by it at the next sign-in, and linked anew.
    await repository.forget_logins(session, [event.aggregate_id for event in events])


SUBSCRIBERS = (Subscriber("identity.forget_external_logins", events=(ContactPointsChanged,), handle=_forget_logins),)
