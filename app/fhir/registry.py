"""What a resource's module declares: routes, the CapabilityStatement and includes are all made from it."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from starlette.responses import Response

from app.core.access import Actor
from app.core.events import Event
from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.elements import Json

Kind = Literal["token", "date", "reference", "string"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter; of a reference ``targets`` are the kinds it can be to.

    ``elements`` are where a resource has it: by them references are followed, and ``:missing`` is asked. ``many``: a
    search may name several at once, so that what refers to a page of resources can be asked for. ``codes`` are all the
    codes a token can have, where they can be told, which ``:not`` asks for the others of. ``identified``: what is
    referred to has an identifier instead of an address, which ``:identifier`` asks for as for a token.
    """

    name: str
    kind: Kind
    documentation: str
    targets: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    many: bool = False
    codes: tuple[str, ...] = ()
    identified: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A code that is wanted; without a system in any, with the empty one in none."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Range:
    """A time that is wanted: from ``since`` to before ``before``."""

    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood: what is wanted by parameter, how much of it, in which order."""

    tokens: Mapping[str, frozenset[Token]] = field(default_factory=dict)
    references: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    dates: Mapping[str, Range] = field(default_factory=dict)
    strings: Mapping[str, str] = field(default_factory=dict)
    ids: frozenset[str] | None = None
    descending: bool | None = None
    page: PageRequest = field(default_factory=lambda: PageRequest(20, None))

    def codes(self, name: str, *systems: str) -> set[str] | None:
        """Return the wanted codes of a parameter whose codes are in one of ``systems``; ``None`` if it is not given."""
        if name not in self.tokens:
            return None
        return {
            token.code
            for token in self.tokens[name]
            if token.code and (token.system is None or token.system in systems)
        }

    def keys(self, name: str, kind: str) -> set[str] | None:
        """Return the wanted ids of a reference to a kind; ``None`` if nothing is asked of the kind.

        What lies on another server is asked of every kind, and is none of ours.
        """
        wanted = self.references.get(name)
        found = {key for of, key in wanted or () if of == kind}
        return None if wanted is None or (wanted and not found) else found

    def range(self, name: str) -> Range:
        """Return the wanted time of a parameter, all time if it is not given."""
        return self.dates.get(name, Range())


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and the connection they are answered from; ``session`` where something is written."""

    actor: Actor
    connection: AsyncConnection
    session: AsyncSession | None = None

    @property
    def writing(self) -> AsyncSession:
        """Return the unit of work of a request that writes."""
        if self.session is None:
            raise RuntimeError("nothing is written by reading")
        return self.session


async def writing(actor: Actor, session: AsyncSession) -> Asked:
    """Return who asks in a unit of work."""
    return Asked(actor, await session.connection(), session)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of resources and the cursor of the next one; ``total`` is how many there are, where they were counted."""

    resources: list[Json]
    next: str | None = None
    total: int | None = None


Search = Callable[[Asked, Query], Awaitable[Found]]
Read = Callable[[Asked, str], Awaitable[Json]]
History = Callable[[Asked, str, PageRequest], Awaitable[Found]]
ReadVersion = Callable[[Asked, str, int], Awaitable[Json]]
Create = Callable[[Asked, Json], Awaitable[Json]]
CreateMany = Callable[[Asked, Sequence[Json]], Awaitable[list[Json]]]
Update = Callable[[Asked, str, Json, int | None], Awaitable[Json]]
Delete = Callable[[Asked, str], Awaitable[None]]
Keeping = Callable[[Actor, Json], AbstractAsyncContextManager[Json]]
Receive = Callable[[Actor, Request], Awaitable[Json]]
Send = Callable[[Asked, str], Awaitable[Response]]
Whose = Callable[[Asked, str], Awaitable[uuid.UUID | None]]


@dataclass(frozen=True, slots=True)
class Changes:
    """The facts that tell that a resource changed: clinics can have themselves told of it.

    They say whose it is (``resident_id``); ``key`` is which resource a fact is about, ``None`` where it is about none.
    ``by_patient``: a search of these has to name the patient.
    """

    facts: tuple[type[Event], ...]
    by_patient: bool = False
    key: Callable[[Any], str | None] = lambda fact: str(fact.aggregate_id)


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of resource that is served.

    ``mandatory`` are the elements without which it is no resource of its kind, and those that change what it means.
    ``sorts`` are the parameters it can be sorted by, in both directions. Where versions are kept, ``history`` returns a
    page of those of one resource, the last first, and ``read_version`` one of them. ``compartment`` is the parameter
    that names the patient a resource is about: by it all that is known of a patient is found. ``create_many`` creates
    several at once, all or none, where that takes less than each by itself. ``changes`` are the facts that a
    Subscription is told by.

    What takes too long for a transaction is done around it: ``keeping`` keeps what is inside of a document that is sent
    and hands over the rest. ``receive`` takes a request for creating one whole, of ``longest`` bytes at most, in units
    of work of its own; ``send`` answers a read with bytes, to whoever does not ask for JSON. ``whose`` says about which
    patient a resource is that does not name them itself.
    """

    type: str
    documentation: str
    parameters: tuple[Parameter, ...]
    search: Search
    mandatory: frozenset[str] = frozenset()
    sorts: tuple[str, ...] = ()
    own_read: Read | None = None
    create: Create | None = None
    create_many: CreateMany | None = None
    update: Update | None = None
    delete: Delete | None = None
    profile: str | None = None
    history: History | None = None
    read_version: ReadVersion | None = None
    compartment: str | None = None
    keeping: Keeping | None = None
    receive: Receive | None = None
    longest: int | None = None
    send: Send | None = None
    whose: Whose | None = None
    changes: Changes | None = None

    async def read(self, asked: Asked, key: str) -> Json:
        """Return one resource; raises ``NotFound``, and ``Forbidden`` where the actor may know of it."""
        if self.own_read is not None:
            return await self.own_read(asked, key)
        found = await self.search(asked, Query(ids=frozenset({key}), page=PageRequest(1, None)))
        if not found.resources:
            raise NotFound
        return found.resources[0]

    def parameter(self, name: str) -> Parameter | None:
        """Return the search parameter of a name."""
        return next((one for one in self.parameters if one.name == name), None)


async def of_ids(resource: Resource, asked: Asked, keys: Collection[str]) -> list[Json]:
    """Return those of the resources that the actor may see, as they are included beside others."""
    found = await resource.search(asked, Query(ids=frozenset(keys), page=PageRequest(max(1, len(keys)), None)))
    return found.resources


LAST_UPDATED: Final = Parameter("_lastUpdated", "date", "When the resource last changed")
ID: Final = Parameter("_id", "token", "The id of the resource")
