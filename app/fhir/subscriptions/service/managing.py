"""Subscriptions are made, changed, shown and ended, each by the system that wants to be told."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from pydantic import HttpUrl, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.outbound import AddressForbidden
from app.core.problems import FieldError, Forbidden, NotFound, StaleVersion
from app.core.sealing import seal, unseal
from app.fhir.elements import Json, base_url, filled, instant, meta, resource, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.problems import BadSearch, NotProcessable, not_processable
from app.fhir.registry import Asked, Found, Query
from app.fhir.searching import kept_query
from app.fhir.subscriptions import repository, rules
from app.fhir.subscriptions.models import CRITERIA, HEADERS, REASON, Subscription
from app.fhir.subscriptions.service.seeing import POINTER, Served, try_out
from notifications.api import (
    EndpointStanding,
    alter_endpoint,
    check_endpoint,
    close_endpoint,
    endpoint_standings,
    open_endpoint,
)

_TAKEN: Final = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "status", "end", "reason", "criteria", "error"}
    | {"channel"}
)
_CHANNEL: Final = frozenset({"type", "endpoint", "payload", "header"})
_LONGEST: Final = 2000
_URL: Final = TypeAdapter(HttpUrl)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a client says of a subscription."""

    type: str
    criteria: str
    reason: str
    url: str
    payload: bool
    headers: Sequence[str]
    ends_at: datetime | None
    is_on: bool

    def columns(self) -> dict[str, Any]:
        """Return what of it the row holds."""
        return {
            "type": self.type,
            "criteria": seal(self.criteria, CRITERIA),
            "reason": seal(self.reason, REASON),
            "payload": self.payload,
            "headers": seal(orjson.dumps(self.headers).decode(), HEADERS) if self.headers else None,
            "ends_at": self.ends_at,
        }


def shown(row: Any, endpoint: EndpointStanding) -> Json:
    """Return a subscription."""
    status, error = rules.stands(endpoint, row.ends_at, clock.now())
    return resource(
        "Subscription",
        row.id,
        meta=meta(row.version + endpoint.version - 1, max(row.updated_at, endpoint.updated_at)),
        status=status,
        end=instant(row.ends_at) if row.ends_at else None,
        reason=unseal(row.reason, REASON),
        criteria=unseal(row.criteria, CRITERIA),
        error=error,
        channel=filled(
            type="rest-hook",
            endpoint=endpoint.url,
            payload=rules.PAYLOAD if row.payload else None,
            header=orjson.loads(unseal(row.headers, HEADERS)) if row.headers else None,
        ),
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return the client's subscriptions: an organization has no more than one page of them."""
    rows = await repository.of_client(asked.connection, asked.actor.id)
    endpoints = await endpoint_standings(asked.connection, {row.id for row in rows})
    statuses, updated = query.codes("status", "http://hl7.org/fhir/subscription-status"), query.range("_lastUpdated")
    after = uuid_of(query.page.cursor or "")
    found = [
        (shown(row, endpoints[row.id]), max(row.updated_at, endpoints[row.id].updated_at))
        for row in rows
        if row.id in endpoints
    ]
    wanted = [
        one
        for one, at in found
        if (query.ids is None or one["id"] in query.ids)
        and (statuses is None or one["status"] in statuses)
        and (updated.since is None or at >= updated.since)
        and (updated.before is None or at < updated.before)
        and (after is None or one["id"] > str(after))
    ]
    page = wanted[: query.page.limit]
    return Found(page, page[-1]["id"] if len(wanted) > len(page) else None)


async def create(asked: Asked, document: Json, served: Served) -> Json:
    """Subscribe; raises ``Forbidden``, ``NotProcessable``, ``TooManyEndpoints``."""
    actor = asked.actor
    if actor.kind != "client":
        raise Forbidden("subscriptions are for organizations' systems")
    said = await _said(asked, document, served)
    session = asked.writing
    (organization,) = actor.memberships
    subscription_id = await open_endpoint(
        session,
        community_id=actor.community_id,
        organization_id=organization.organization_id,
        url=said.url,
        composer=rules.COMPOSER,
        description=f"FHIR Subscription: {said.type}",
        enabled=said.is_on,
    )
    row = Subscription(
        id=subscription_id,
        community_id=actor.community_id,
        client_id=actor.id,
        **_credential(actor),
        **said.columns(),
    )
    session.add(row)
    return await _written(session, actor, row, "create")


async def update(asked: Asked, key: str, document: Json, version: int | None, served: Served) -> Json:
    """Change a subscription, switch it off or on again; what it may be told is from now on what the client may see now.

    Raises ``NotFound``, ``StaleVersion``, ``NotProcessable``.
    """
    session, actor = asked.writing, asked.actor
    row = await repository.locked(session, actor, _id(key))
    if version is not None and version != int((await _shown(session, row))["meta"]["versionId"]):
        raise StaleVersion
    said = await _said(asked, document, served)
    for name, value in (said.columns() | _credential(actor)).items():
        setattr(row, name, value)
    await alter_endpoint(session, row.id, url=said.url, enabled=said.is_on)
    return await _written(session, actor, row, "change")


async def delete(asked: Asked, key: str) -> None:
    """End a subscription; raises ``NotFound``."""
    session = asked.writing
    row = await repository.locked(session, asked.actor, _id(key))
    await close_endpoint(session, row.id)
    await audit.record(session, asked.actor, "subscription:remove", object_id=row.id)


def _credential(actor: Actor) -> dict[str, Any]:
    """Return what of the credential the row holds: what is told later is what it lets its client see."""
    return {"scopes": sorted(actor.scopes or ()), "app_scopes": list(actor.app.scopes) if actor.app else None}


def _id(key: str) -> uuid.UUID:
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


async def _written(session: AsyncSession, actor: Actor, row: Subscription, verb: str) -> Json:
    await session.flush()
    await audit.record(session, actor, f"subscription:{verb}", object_id=row.id)
    return await _shown(session, row)


async def _shown(session: AsyncSession, row: Subscription) -> Json:
    return shown(row, (await endpoint_standings(await session.connection(), {row.id}))[row.id])


async def _said(asked: Asked, document: Json, served: Served) -> _Said:
    """Return what a document says; raises ``NotProcessable`` for what cannot be done, naming it."""
    _refuse_others("Subscription", document, _TAKEN)
    channel: Json = document["channel"]
    _refuse_others("Subscription.channel", channel, _CHANNEL)
    if document["status"] not in ("requested", "active", "off"):
        raise not_processable("Subscription.status", "requested or off: what becomes of it is told", "value")
    if channel["type"] != "rest-hook":
        raise not_processable("Subscription.channel.type", "rest-hook", "not-supported")
    if channel.get("payload") not in (None, rules.PAYLOAD):
        raise not_processable("Subscription.channel.payload", f"none, or {rules.PAYLOAD}", "not-supported")
    kind = await _check_criteria(asked, document["criteria"], served)
    ends_at = instant_sent(document["end"], "Subscription.end") if "end" in document else None
    return _Said(
        type=kind,
        criteria=document["criteria"],
        reason=_short("Subscription.reason", document["reason"]),
        url=_url(channel),
        payload="payload" in channel,
        headers=_headers(channel),
        ends_at=ends_at,
        is_on=document["status"] != "off",
    )


def _refuse_others(path: str, given: Json, taken: frozenset[str]) -> None:
    """Refuse what would be lost."""
    for name in sorted(given.keys() - taken):
        raise not_processable(f"{path}.{name}", "this is not kept here: leave it out", "not-supported")


def _short(path: str, text: str) -> str:
    if len(text) > _LONGEST:
        raise not_processable(path, f"at most {_LONGEST} characters", "value")
    return text


def _url(channel: Json) -> str:
    path = "Subscription.channel.endpoint"
    if "endpoint" not in channel:
        raise not_processable(path, "where to call", "required")
    url, ours = _short(path, channel["endpoint"]), _URL.validate_python(base_url())
    try:
        parts = _URL.validate_python(url)
        if (parts.host, parts.port) == (ours.host, ours.port):  # what is put here changes it, which is told again
            raise not_processable(path, "an address that is not ours", "value")
        check_endpoint(url)
    except (ValidationError, AddressForbidden):
        raise not_processable(path, "a public https address without user and password", "value") from None
    if parts.fragment is not None:
        raise not_processable(path, "an address without a fragment", "value")
    return url


def _headers(channel: Json) -> list[str]:
    given: list[str] = channel.get("header", [])
    if len(given) > rules.MOST_HEADERS:
        raise not_processable("Subscription.channel.header", f"at most {rules.MOST_HEADERS}", "value")
    for index, text in enumerate(given):
        if rules.header(text) is None:
            raise not_processable(f"Subscription.channel.header[{index}]", "Name: value, not one of ours", "value")
    return given


async def _check_criteria(asked: Asked, text: str, served: Served) -> str:
    """Return the kind of resource that is subscribed to; raises ``NotProcessable``, and what its search raises."""
    kind, _, search_text = _short(POINTER, text).partition("?")
    if kind not in served:
        raise not_processable(POINTER, "a search such as Appointment?status=booked", "value")
    found = served[kind]
    if found.changes is None:
        told = sorted(name for name, one in served.items() if one.changes is not None)
        detail = f"changes of {kind} are not told, those of {', '.join(told)} are"
        raise not_processable(POINTER, detail, "not-supported")
    try:
        query = kept_query(found, search_text, served, POINTER)
        if found.parameter("_id") is None and (query.tokens or query.dates or query.strings):
            raise not_processable(POINTER, f"{kind} by {found.compartment} alone", "not-supported")
        await try_out(asked, found, query)
    except BadSearch as error:
        raise NotProcessable(errors=[FieldError(POINTER, one.detail, one.code) for one in error.errors]) from None
    except NotFound:
        raise not_processable(POINTER, "there is no such Patient here", "not-found") from None
    return kind
