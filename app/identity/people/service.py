"""Accounts and how they come to be."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.models import Account, Community
from app.identity.people import rules
from app.identity.people.problems import checked
from app.identity.people.repository import new_contact_point


async def create_account(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str,
    phone: str | None = None,
    email: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
) -> Account:
    """Create a person in the actor's community, with unverified contact points, and return the account.

    A phone without a country code is read as the community's. Language and zone are the community's unless given.
    Raises ``Malformed`` for what is not a number, an address, a language or a zone.
    """
    community = await session.get(Community, actor.community_id)
    if community is None:
        raise NotFound
    account = Account(
        community_id=community.id,
        name=checked("name", name, rules.check_name),
        language=checked("language", language or community.languages[0], rules.check_language),
        time_zone=checked("time_zone", time_zone or community.time_zone, rules.check_time_zone),
    )
    session.add(account)
    await session.flush()
    if phone is not None:
        number = checked("phone", phone, lambda text: rules.normalize_phone(text, community.country))
        session.add(new_contact_point(account.id, "mobile", number, ["app", "sms", "voice"]))
    if email is not None:
        address = checked("email", email, rules.normalize_email)
        session.add(new_contact_point(account.id, "email", address, ["email"], position=1))
    await session.flush()
    await audit.record(session, actor, action="account:create", object_id=account.id)
    return account
