"""Resources as tokens may use them: every way into one asks the scopes first, and shows no other patient than theirs.

It is done to what modules declare, before anything else gets to see it: routes, includes, Bundles and operations call
what is narrowed, and cannot do otherwise.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from app.core.access import Actor
from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.access import Reach, insufficient, note_own_read, reach, require
from app.fhir.elements import Json, local
from app.fhir.registry import Asked, Found, Query, Resource
from app.identity.api import DIRECTORY, Interaction

_KNOWN: Final = frozenset(
    {"search", "own_read", "create", "create_many", "update", "delete", "history", "read_version"}
    | {"keeping", "receive", "send", "whose"}
)


def narrowed(resource: Resource) -> Resource:
    """Return a kind of resource whose functions keep within the scopes of whoever asks.

    Raises ``TypeError`` for a kind that can be got at in a way that is not known here: it would be open to all.
    """
    unknown = {one.name for one in fields(resource) if callable(getattr(resource, one.name))} - _KNOWN
    if unknown:
        raise TypeError(f"{resource.type}: nothing says which scopes {sorted(unknown)} need")
    changes: dict[str, Callable[..., Any]] = {"search": _search(resource), "own_read": _read(resource)}
    changes |= {"create": _create(resource)} if resource.create else {}
    changes |= {"update": _update(resource)} if resource.update else {}
    changes |= {"create_many": _create_many(resource)} if resource.create_many else {}
    changes |= {"delete": _delete(resource)} if resource.delete else {}
    changes |= {"keeping": _keeping(resource)} if resource.keeping else {}
    changes |= {"receive": _receive(resource)} if resource.receive else {}
    changes |= {"send": _send(resource)} if resource.send else {}
    changes |= {"history": _history(resource)} if resource.history else {}
    changes |= {"read_version": _version(resource)} if resource.read_version else {}
    return replace(resource, **changes)  # type: ignore[arg-type]  # each is what it stands for


def _required(resource: Resource, actor: Actor, interaction: Interaction) -> Reach:
    found = require(actor, resource.type, interaction)
    is_about_somebody = resource.type == "Patient" or _about(resource) is not None
    is_about_somebody |= resource.whose is not None and interaction == "r"
    if found.patient is not None and not is_about_somebody:
        raise insufficient(actor, resource.type, interaction)
    return found


def _about(resource: Resource) -> str | None:
    """Return the parameter that names the patient a resource is about."""
    return resource.compartment or ("patient" if resource.parameter("patient") else None)


def _search(resource: Resource) -> Callable[..., Any]:
    async def search(asked: Asked, query: Query) -> Found:
        within = _required(resource, asked.actor, "s")
        wanted = query if within.patient is None else _of_patient(resource, query, within.patient)
        if wanted is None:
            return Found([])
        found = await resource.search(asked, wanted)
        for one in found.resources if resource.whose else ():
            await _opened(resource, asked, one["id"], within)
        return await _told(asked, replace(found, resources=[one for one in found.resources if _is_of(one, within)]))

    return search


def _of_patient(resource: Resource, query: Query, patient: uuid.UUID) -> Query | None:
    """Return the search, of one patient alone; ``None`` if it is of others."""
    if resource.type == "Patient":
        ids = frozenset({str(patient)}) & (query.ids if query.ids is not None else {str(patient)})
        return replace(query, ids=ids) if ids else None
    name = str(_about(resource))
    only = frozenset({("Patient", str(patient))})
    named = query.references.get(name, only) & only
    return replace(query, references={**query.references, name: named}) if named else None


def _read(resource: Resource) -> Callable[..., Any]:
    async def read(asked: Asked, key: str) -> Json:
        within = _required(resource, asked.actor, "r")
        if resource.whose is not None:
            await _opened(resource, asked, key, within)
            return await resource.read(asked, key)
        found = await _one(resource, asked, key, within)
        await _told(asked, Found([found]))
        return found

    return read


async def _opened(resource: Resource, asked: Asked, key: str, within: Reach) -> None:
    """Hold what does not name its patient within reach; that an app looks into what is its person's is on record.

    Raises ``NotFound`` for another patient's, and as ``whose`` does.
    """
    actor = asked.actor
    assert resource.whose is not None  # noqa: S101 - of such it is asked
    if actor.kind != "account" or actor.app is None:
        return
    patient = await resource.whose(asked, key)
    if within.patient is not None and patient != within.patient:
        raise NotFound
    await note_own_read(asked, patient)


async def _one(resource: Resource, asked: Asked, key: str, within: Reach) -> Json:
    found = await resource.read(asked, key)
    if not _is_of(found, within):
        raise NotFound
    return found


def _create(resource: Resource) -> Callable[..., Any]:
    async def create(asked: Asked, document: Json) -> Json:
        _check_sent(document, _required(resource, asked.actor, "c"))
        assert resource.create is not None  # noqa: S101 - only such are narrowed
        return await resource.create(asked, document)

    return create


def _create_many(resource: Resource) -> Callable[..., Any]:
    async def create_many(asked: Asked, documents: Sequence[Json]) -> list[Json]:
        within = _required(resource, asked.actor, "c")
        for document in documents:
            _check_sent(document, within)
        assert resource.create_many is not None  # noqa: S101 - only such are narrowed
        return await resource.create_many(asked, documents)

    return create_many


def _keeping(resource: Resource) -> Callable[..., Any]:
    @asynccontextmanager
    async def keeping(actor: Actor, document: Json) -> AsyncIterator[Json]:
        # Whether it is to be created or updated is not known yet; each asks again for itself.
        _check_sent(document, reach(actor, resource.type, "u") or _required(resource, actor, "c"))
        assert resource.keeping is not None  # noqa: S101 - only such are narrowed
        async with resource.keeping(actor, document) as kept:
            yield kept

    return keeping


def _receive(resource: Resource) -> Callable[..., Any]:
    async def receive(actor: Actor, request: Request) -> Json:
        _required(resource, actor, "c")
        assert resource.receive is not None  # noqa: S101 - only such are narrowed
        return await resource.receive(actor, request)

    return receive


def _send(resource: Resource) -> Callable[..., Any]:
    async def send(asked: Asked, key: str) -> Response:
        within = _required(resource, asked.actor, "r")
        if resource.whose is not None:
            await _opened(resource, asked, key, within)
        elif within.patient is not None:
            await _one(resource, asked, key, within)
        assert resource.send is not None  # noqa: S101 - only such are narrowed
        return await resource.send(asked, key)

    return send


def _delete(resource: Resource) -> Callable[..., Any]:
    async def delete(asked: Asked, key: str) -> None:
        within = _required(resource, asked.actor, "d")
        if within.patient is not None:
            await _one(resource, asked, key, within)
        assert resource.delete is not None  # noqa: S101 - only such are narrowed
        await resource.delete(asked, key)

    return delete


def _update(resource: Resource) -> Callable[..., Any]:
    async def update(asked: Asked, key: str, document: Json, version: int | None) -> Json:
        within = _required(resource, asked.actor, "u")
        if within.patient is not None:
            await _one(resource, asked, key, within)
        _check_sent(document, within)
        assert resource.update is not None  # noqa: S101 - only such are narrowed
        return await resource.update(asked, key, document, version)

    return update


def _history(resource: Resource) -> Callable[..., Any]:
    async def history(asked: Asked, key: str, page: PageRequest) -> Found:
        within = _required(resource, asked.actor, "r")
        assert resource.history is not None  # noqa: S101 - only such are narrowed
        found = await resource.history(asked, key, page)
        if not all(_is_of(one, within) for one in found.resources):
            raise NotFound
        return await _told(asked, found)

    return history


def _version(resource: Resource) -> Callable[..., Any]:
    async def read_version(asked: Asked, key: str, version: int) -> Json:
        within = _required(resource, asked.actor, "r")
        assert resource.read_version is not None  # noqa: S101 - only such are narrowed
        found = await resource.read_version(asked, key, version)
        if not _is_of(found, within):
            raise NotFound
        await _told(asked, Found([found]))
        return found

    return read_version


def _check_sent(document: Json, within: Reach) -> None:
    """Raise ``NotFound`` for a document about anybody but the patient: as for one who is not known."""
    if not _is_of(document, within):
        raise NotFound("this app is about another patient")


def _is_of(resource: Json, within: Reach) -> bool:
    """Say whether a resource is about the patient within reach, and about nobody else."""
    return within.patient is None or patients_of(resource) == {str(within.patient)}


def patients_of(resource: Json) -> set[str]:
    """Return the ids of all patients a resource is, or names at any depth."""
    if resource["resourceType"] == "Patient":
        return {str(resource.get("id"))}
    return {key for kind, _, key in (local(text).partition("/") for text in _references(resource)) if kind == "Patient"}


def _references(resource: Json) -> Iterable[str]:
    waiting: list[Any] = [resource]
    while waiting:
        match waiting.pop():
            case dict() as element:
                if isinstance(text := element.get("reference"), str):
                    yield text
                waiting += element.values()
            case list() as several:
                waiting += several


async def _told(asked: Asked, found: Found) -> Found:
    """Return what was found; what an app reads of the very person who let it in is on record, as the app's doing.

    What anybody reads of others is put on record where it is read.
    """
    own = asked.actor.resident_id
    if asked.actor.app is None or own is None:
        return found
    shown = [one for one in found.resources if one["resourceType"] not in DIRECTORY]
    if any(str(own) in patients_of(one) for one in shown):
        await note_own_read(asked, own)
    return found
