"""Who asks for tokens: a client that has signed an assertion, or an app without keys that says its name."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from app.core import clock
from app.core.database import reading, unit_of_work
from app.identity import addresses
from app.identity.credentials import digest
from app.identity.smart import repository, views
from app.identity.smart.problems import OAuthRefused
from app.identity.smart.rules import assertions
from app.identity.smart.rules.assertions import BadAssertion
from app.identity.smart.service.keys import key_of
from app.identity.smart.views import Client


@dataclass(frozen=True, slots=True)
class Shown:
    """A client that has shown who it is, and by which key; without one it only says so."""

    client: Client
    key_id: str | None


async def shown(form: Mapping[str, str]) -> Shown:
    """Return the client that sends a form; raises ``OAuthRefused`` (``invalid_client``).

    Opens its own units of work and is called outside of others: keys may have to be fetched, and an assertion is used
    up whatever becomes of the request.
    """
    if "client_assertion" in form or "client_assertion_type" in form:
        found = await _by_assertion(form)
    else:
        found = await _by_name(form)
    if form.get("client_id", str(found.client.id)) != str(found.client.id):
        raise OAuthRefused("invalid_client", "client_id: not who has signed the assertion")
    return found


async def _by_assertion(form: Mapping[str, str]) -> Shown:
    if form.get("client_assertion_type") != assertions.TYPE:
        raise OAuthRefused("invalid_client", f"client_assertion_type: {assertions.TYPE}")
    assertion = form.get("client_assertion", "")
    try:
        named = assertions.named(assertion)
        client = await _client(named.client_id)
        key = await key_of(client, named)
        asserted = assertions.verified(assertion, named, key, addresses.token_url(), clock.now())
    except BadAssertion as error:
        raise OAuthRefused("invalid_client", str(error)) from None
    async with unit_of_work() as session:
        is_first = await repository.use_assertion(
            session, client.id, digest(asserted.jti), asserted.expires_at + assertions.SKEW
        )
    if not is_first:
        raise OAuthRefused("invalid_client", "jti: this assertion was used before")
    return Shown(client, named.key_id)


async def _by_name(form: Mapping[str, str]) -> Shown:
    try:
        client_id = uuid.UUID(form.get("client_id", ""))
    except ValueError:
        raise OAuthRefused("invalid_client", "client_assertion: who asks?") from None
    client = await _client(client_id)
    if client.has_keys or not client.is_app:
        raise OAuthRefused("invalid_client", "client_assertion: this client shows itself by its keys")
    return Shown(client, None)


async def _client(client_id: uuid.UUID) -> Client:
    async with reading() as connection:
        client = await views.client(connection, client_id)
    if client is None:
        raise OAuthRefused("invalid_client", "no such client")
    return client
