"""A hub's credentials are made, made anew and ended.

The broker alone checks a secret. We keep it sealed until the broker was told, since its dynamic security takes nothing
but the secret itself; after that only the line of its password file is left, sealed as well, so that the file can be
written anew.
"""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.broker.api import password_line
from app.core import audit, clock
from app.core.access import Actor
from app.core.sealing import seal
from community.homes import repository, rules
from community.homes.models import HUB_CHECK, HUB_KEY, Home
from community.homes.problems import CredentialsExist, HomeClosed, HomeWaiting, NoCredentials
from community.homes.schemas import HomeCredentials


async def make(session: AsyncSession, actor: Actor, home_id: uuid.UUID) -> HomeCredentials:
    """Make a home's credentials and return them, this once.

    Raises ``HomeClosed``, ``HomeWaiting`` before all agreed, ``CredentialsExist``.
    """
    home = await _usable(session, home_id)
    if home.secret_at is not None:
        raise CredentialsExist
    return await _made(session, actor, home, "make")


async def rotate(session: AsyncSession, actor: Actor, home_id: uuid.UUID) -> HomeCredentials:
    """Make a home's credentials anew: the old ones end. Raises as ``make`` does, and ``NoCredentials``."""
    home = await _usable(session, home_id)
    if home.secret_at is None:
        raise NoCredentials
    return await _made(session, actor, home, "rotate")


async def revoke(session: AsyncSession, actor: Actor, home_id: uuid.UUID) -> None:
    """End a home's credentials; raises ``NoCredentials``."""
    home = await repository.locked_home(session, home_id)
    if home.secret_at is None:
        raise NoCredentials
    home.secret = home.password_line = home.secret_at = None
    await _to_be_told(session, home)
    await audit.record(session, actor, "homes:revoke", resident_id=home.resident_id, object_id=home.id)


async def _usable(session: AsyncSession, home_id: uuid.UUID) -> Home:
    home = await repository.locked_home(session, home_id)
    if home.state == "closed":
        raise HomeClosed
    if home.state == "waiting":
        living = (await repository.residents_of(session, [home.id]))[home.id]
        raise HomeWaiting(waiting_for=sum(one.agreed_at is None for one in living))
    return home


async def _made(session: AsyncSession, actor: Actor, home: Home, how: str) -> HomeCredentials:
    secret = rules.new_secret()
    home.secret = seal(secret, HUB_KEY)
    home.password_line = seal(password_line(home.key, secret), HUB_CHECK)
    home.secret_at = made_at = clock.now()
    await _to_be_told(session, home)
    await audit.record(session, actor, f"homes:{how}", resident_id=home.resident_id, object_id=home.id)
    return HomeCredentials(username=home.key, secret=secret, made_at=made_at)


async def _to_be_told(session: AsyncSession, home: Home) -> None:
    home.provision_at, home.provisioned_at = rules.tell_at(clock.now(), home.provision_at), None
    home.provision_tries = 0
    await session.flush()
