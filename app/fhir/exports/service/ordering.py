"""An export is ordered: what is asked for is understood or refused, and whom it is about is written down."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import Forbidden, NotFound
from app.core.sealing import seal
from app.fhir.elements import FIRST_YEAR, LAST_YEAR, Json, instant, local, uuid_of
from app.fhir.exports import repository
from app.fhir.exports.models import KEEP, REQUEST, Export
from app.fhir.exports.problems import TooManyExports
from app.fhir.exports.rules import LATE, WAKE_CHANNEL, Order
from app.fhir.problems import bad_parameter, not_processable
from app.fhir.registry import Query, Resource
from app.fhir.searching import Pairs, kept_query
from app.fhir.values import listed
from app.identity.api import PROFILE_READ, organizations_with

PATIENT: Final = "Patient"
_FORMATS: Final = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
_VALUES: Final = {
    "_since": "valueInstant",
    "_type": "valueString",
    "_typeFilter": "valueString",
    "_outputFormat": "valueString",
}
_RETRY: Final = {"Retry-After": "60"}

Served = Mapping[str, Resource]


def exported(served: Served) -> list[str]:
    """Return the kinds of resources that can be exported: patients, and whatever is about one."""
    return [PATIENT, *(name for name, one in served.items() if one.compartment is not None and name != PATIENT)]


def pairs_of(parameters: Json) -> tuple[list[tuple[str, str]], list[str] | None]:
    """Return what a Parameters resource asks for, and the references to the patients it names, if it names any.

    Raises ``NotProcessable`` for a value of another type than the parameter has.
    """
    pairs, patients = [], []
    for index, given in enumerate(parameters.get("parameter", [])):
        name, path = given["name"], f"Parameters.parameter[{index}]"
        if name == "patient":
            patients.append(local(given.get("valueReference", {}).get("reference", "")))
        elif name not in _VALUES:
            pairs.append((name, ""))
        elif _VALUES[name] not in given:
            raise not_processable(path, f"a {_VALUES[name]}", "value")
        else:
            pairs.append((name, given[_VALUES[name]]))
    return pairs, patients or None


def understand(address: str, pairs: Pairs, served: Served, *, lenient: bool) -> Order:
    """Return what an export is to be of; raises ``BadSearch`` naming what cannot be done."""
    wanted: list[str] = []
    filters: dict[str, str] = {}
    since: datetime | None = None
    for name, value in pairs:
        match name:
            case "_since":
                since = _instant(value)
            case "_type":
                wanted += [kind for kind in listed(name, value) if _is_exported(kind, served, lenient=lenient)]
            case "_typeFilter":
                _add_filters(filters, value, served)
            case "_outputFormat":
                if value not in _FORMATS:
                    raise bad_parameter(name, "application/fhir+ndjson", "not-supported")
            case _ if not lenient:
                raise bad_parameter(name, "this is not known here", "not-supported")
    types = tuple(dict.fromkeys(wanted)) or tuple(exported(served))
    if missing := filters.keys() - set(types):
        raise bad_parameter("_typeFilter", f"_type leaves {', '.join(sorted(missing))} out")
    return Order(address, types, since, filters)


def _add_filters(filters: dict[str, str], value: str, served: Served) -> None:
    for one in listed("_typeFilter", value):
        kind, _, rest = one.partition("?")
        if kind in filters:
            raise bad_parameter("_typeFilter", f"one filter of {kind}", "not-supported")
        query_of(served, kind, rest)
        filters[kind] = rest


def _instant(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise bad_parameter("_since", "an instant with its offset")
    return found


def _is_exported(kind: str, served: Served, *, lenient: bool) -> bool:
    if kind in exported(served):
        return True
    if lenient:
        return False
    raise bad_parameter("_type", f"of what is about patients: {', '.join(exported(served))}", "not-supported")


def query_of(served: Served, kind: str, text: str) -> Query:
    """Return the search a filter stands for; raises ``BadSearch`` for one that cannot be done."""
    if kind not in exported(served):
        raise bad_parameter("_typeFilter", f"of what is about patients: {', '.join(exported(served))}", "not-supported")
    query = kept_query(served[kind], text, served, "/query/_typeFilter")
    if served[kind].compartment in query.references:
        raise bad_parameter("_typeFilter", f"{kind}: the patients are named by patient", "not-supported")
    return query


def require_client(actor: Actor, organization_id: str | None) -> uuid.UUID:
    """Return for which organization an export is; raises ``Forbidden`` for people, and for whom no patient is shown.

    ``organization_id`` is the Group that is asked for: ``NotFound`` where it is not the client's.
    """
    if actor.kind != "client":
        raise Forbidden("exports are for organizations' systems")
    ours = organizations_with(actor, PROFILE_READ)
    if not ours:
        raise Forbidden(f"this needs {PROFILE_READ}")
    if organization_id is not None and organization_id != str(ours[0]):
        raise NotFound
    return ours[0]


async def begin(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, order: Order, references: Sequence[str] | None
) -> uuid.UUID:
    """Begin an export of all patients the client may see, or of those referred to, and return its id.

    Raises ``TooManyExports``, and ``NotProcessable`` where one of ``references`` is to nobody it may see.
    """
    now = clock.now()
    export = Export(
        community_id=actor.community_id,
        organization_id=organization_id,
        client_id=actor.id,
        scopes=sorted(actor.scopes or ()),
        app_scopes=list(actor.app.scopes) if actor.app else None,
        request=seal(order.written(), REQUEST),
        transaction_at=now - LATE,
        work_at=now,
        expires_at=now + KEEP,
    )
    if not await repository.begin(session, export):
        raise TooManyExports(headers=_RETRY)
    patients = None if references is None else [_patient(one) for one in references]
    if missing := await repository.list_residents(session, actor, export.id, patients):
        detail = f"no Patient/{min(missing)} is here"
        raise not_processable("Parameters.parameter.valueReference", detail, "not-found")
    await audit.record(session, actor, "bulk_export:begin", object_id=export.id)
    wakeups.request(session, WAKE_CHANNEL)
    return export.id


def _patient(reference: str) -> uuid.UUID:
    kind, _, key = reference.partition("/")
    found = uuid_of(key)
    if kind != PATIENT or found is None:
        raise not_processable("Parameters.parameter.valueReference", "a reference to a Patient of ours", "not-found")
    return found


async def cancel(session: AsyncSession, actor: Actor, export_id: uuid.UUID) -> None:
    """End an export of the client's and remove its files; raises ``NotFound``."""
    if not await repository.remove(session, actor.id, export_id):
        raise NotFound
    await audit.record(session, actor, "bulk_export:end", object_id=export_id)


def manifest(order: Order, transaction_at: datetime, files: Sequence[Json]) -> Json:
    """Return what an export that is finished consists of (Bulk Data Access 2.0, "Response - Complete Status")."""
    return {
        "transactionTime": instant(transaction_at),
        "request": order.address,
        "requiresAccessToken": True,
        "output": list(files),
        "error": [],
    }
