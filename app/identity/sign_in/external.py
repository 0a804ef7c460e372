"""Signing in with a login elsewhere: whose it is, once its issuer's word for it was verified."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import unit_of_work
from app.identity.models import Account
from app.identity.people.rules import normalize_email
from app.identity.people.seals import contact_index
from app.identity.sessions import service as sessions
from app.identity.sessions.schemas import Tokens
from app.identity.sign_in import repository
from app.identity.sign_in.problems import LoginNotAccepted
from app.identity.sign_in.schemas import AccountChoice
from app.identity.sign_in.service import choose


@dataclass(frozen=True, slots=True)
class VerifiedLogin:
    """What an issuer vouches for: the login's subject, and the number and address it has verified."""

    method: Literal["firebase", "oidc"]
    issuer: str
    subject: str
    phone: str | None
    email: str | None


async def sign_in(
    login: VerifiedLogin, community_id: uuid.UUID, account_id: uuid.UUID | None, device_label: str | None
) -> Tokens | AccountChoice:
    """Return tokens for the account a verified login belongs to, or whom to choose from.

    Opens its own unit of work: issuers are asked before, outside any transaction. Raises ``LoginNotAccepted`` if the
    login belongs to nobody in the community.
    """
    async with unit_of_work() as session:
        chosen = choose(await _candidates(session, login, community_id), account_id)
        if chosen is None:
            raise LoginNotAccepted
        if isinstance(chosen, AccountChoice):
            return chosen
        await repository.link(session, chosen.id, login.issuer, login.subject)
        return await sessions.begin(session, chosen, login.method, device_label)


async def _candidates(session: AsyncSession, login: VerifiedLogin, community_id: uuid.UUID) -> Sequence[Account]:
    # Numbers are given to other people in time, and a login by number goes with the number: who has it now counts,
    # not to whom the login once belonged.
    if login.phone is not None:
        return await repository.reached_at(session, community_id, contact_index(login.phone))
    known = await repository.linked(session, community_id, login.issuer, login.subject)
    if known or login.email is None:
        return known
    try:
        email = normalize_email(login.email)
    except ValueError:
        return []
    return await repository.reached_at(session, community_id, contact_index(email))
