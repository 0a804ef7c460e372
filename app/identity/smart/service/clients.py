"""Registering clients that show who they are by keys of their own, and apps that people agree to."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, outbound
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from app.core.settings import settings
from app.identity.access import Member
from app.identity.clients.models import ApiClient
from app.identity.clients.problems import KindOfClient
from app.identity.clients.service import check_scopes, lock_client
from app.identity.smart import repository
from app.identity.smart.schemas import SmartClientCreate, SmartClientPublic, SmartClientReplace


async def create_client(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, data: SmartClientCreate
) -> SmartClientPublic:
    """Return a new client.

    A system acts for the organization: raises ``ScopeBeyondYours`` for what the member cannot hand out. An app can
    ask people for anything: they let it have what is theirs. Raises ``Malformed`` for an address not to be asked.
    """
    if not data.redirect_uris:
        check_scopes(member, organization_id, data.scopes)
    client = ApiClient(
        community_id=member.community_id,
        organization_id=organization_id,
        name=data.name,
        scopes=sorted(set(data.scopes)),
        created_by=member.actor.id,
    )
    _register(client, data)
    session.add(client)
    await session.flush()
    await audit.record(
        session, member.actor, action="api_client:create", object_id=client.id, details={"scopes": client.scopes}
    )
    return _public(client)


async def replace_keys(
    session: AsyncSession,
    member: Member,
    organization_id: uuid.UUID,
    client_id: uuid.UUID,
    data: SmartClientReplace,
    if_match: int | None,
) -> SmartClientPublic:
    """Return a client registered anew; tokens it was given by a key that is gone end at once.

    Of keys published elsewhere all are taken as gone. Raises ``NotFound``, ``StaleVersion``, ``KindOfClient``, and
    ``Malformed`` for an address not to be asked.
    """
    client = await lock_client(session, organization_id, client_id)
    check_version(client, if_match)
    if bool(client.redirect_uris) != bool(data.redirect_uris):
        raise KindOfClient
    before = client.jwks["keys"] if client.jwks else []
    _register(client, data)
    kept = [key["kid"] for key in data.jwks.keys if key in before] if data.jwks else []
    await session.flush()
    await repository.end_tokens_of_keys(session, client.id, kept, clock.now())
    await audit.record(session, member.actor, action="api_client:update", object_id=client.id)
    return _public(client)


def _register(client: ApiClient, data: SmartClientReplace) -> None:
    if data.jwks_uri is not None:
        try:
            outbound.check_url(data.jwks_uri, allow_private=settings().smart.allow_private)
        except outbound.AddressForbidden:
            error = FieldError("/body/jwks_uri", "a public https address", "address_not_allowed")
            raise Malformed(errors=[error]) from None
    client.jwks = data.jwks.model_dump() if data.jwks else None
    client.jwks_uri = data.jwks_uri
    client.redirect_uris = list(dict.fromkeys(data.redirect_uris))
    client.keys_set_at = clock.now()


def _public(client: ApiClient) -> SmartClientPublic:
    return SmartClientPublic(
        client_id=client.id,
        name=client.name,
        scopes=client.scopes,
        jwks_uri=client.jwks_uri,
        key_ids=[key["kid"] for key in client.jwks["keys"]] if client.jwks else [],
        redirect_uris=client.redirect_uris,
        version=client.version,
    )
