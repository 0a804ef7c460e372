"""Transactions: requests of one Bundle that are all done or none, and may refer to each other (FHIR R4, 3.1.0.11.2)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from app.core.problems import FieldError, Problem
from app.core.turns import take_turns
from app.fhir import entries
from app.fhir.elements import Json, base_url
from app.fhir.entries import Entry, done, located, understood
from app.fhir.interactions import criteria, the_one, turn
from app.fhir.negotiation import Answer, Preferences, written
from app.fhir.problems import BadResource, not_processable
from app.fhir.registry import Asked
from app.fhir.searching import Pairs, Wanted, pairs_of
from app.fhir.served import BY_TYPE

_ORDER: Final = {"delete": 0, "create": 1, "update": 2, "update_found": 2, "patch": 2}
"""What is deleted comes before what is created, that before what is changed, and that before what is read."""
_READ: Final = 3
_NAMING: Final = frozenset({"update", "patch", "delete"})
"""These change the resource they name."""
_ADDRESS: Final = re.compile(r"(https?://.+/)[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_PLACED: Final = re.compile(r"\[(\d+)\]\.?(.*)")
_REFERRING: Final = frozenset({"reference", "url"})


async def transaction(asked: Asked, given: Sequence[Any], preferences: Preferences) -> Json:
    """Do all requests of a transaction in one unit of work, and return the Bundle that says how each went.

    Raises what the first that cannot be done raises, by its place in the Bundle.
    """
    wanted = [understood(number, one, preferences) for number, one in enumerate(given)]
    _check_apart(wanted)
    doing = _Doing(asked, wanted)
    await doing.take_turns()
    for _, of_one_kind in groupby(sorted(wanted, key=_place), key=_place):
        await doing.do(list(of_one_kind))
    shown = [entries.shown(doing.answers[entry.number]) for entry in wanted]
    return {"resourceType": "Bundle", "type": "transaction-response", **({"entry": shown} if shown else {})}


def _place(entry: Entry) -> int:
    return _ORDER.get(entry.interaction, _READ)


def _check_apart(wanted: Sequence[Entry]) -> None:
    """Raise ``BadResource`` where two entries change the same resource."""
    seen: set[tuple[str, str]] = set()
    for entry in wanted:
        if entry.interaction in _NAMING:
            key = (entry.resource.type, entry.key)
            if key in seen:
                raise _twice(entry)
            seen.add(key)


def _twice(entry: Entry) -> Problem:
    return BadResource(
        errors=[FieldError(f"Bundle.entry[{entry.number}]", "another entry changes the same resource", "value")]
    )


class _Doing:
    """What was done of a transaction so far: the answers, and by which references its entries are known by now."""

    def __init__(self, asked: Asked, wanted: Sequence[Entry]) -> None:
        self.answers: dict[int, Answer] = {}
        self._asked = asked
        self._wanted = wanted
        self._named = {entry.full_url for entry in wanted if entry.full_url}
        self._known = {
            entry.full_url: f"{entry.resource.type}/{entry.key}" for entry in wanted if entry.full_url and entry.key
        }
        self._changed = {(entry.resource.type, entry.key) for entry in wanted if entry.interaction in _NAMING}

    async def take_turns(self) -> None:
        """Wait for who makes the same now; for all at once, as two transactions could wait for each other."""
        turns = []
        for entry in self._wanted:
            pairs = entry.pairs if entry.interaction == "update_found" else pairs_of(entry.said.if_none_exist or "")
            if pairs and not any(value in self._named for _, value in pairs):
                turns.append(turn(self._asked, entry.resource, await self._criteria(entry, pairs)))
        if turns:
            await take_turns(self._asked.writing, turns)

    async def _criteria(self, entry: Entry, pairs: Pairs) -> Wanted:
        place = "/query" if entry.interaction == "update_found" else "/header/If-None-Exist"
        with _placed(entry):
            return await criteria(self._asked, entry.resource, pairs, place)

    async def do(self, waiting: Sequence[Entry]) -> None:
        """Do some of the entries: what another one refers to before that one."""
        awaited = {entry.number: self._awaited(entry) for entry in waiting}
        while waiting:
            ready = [entry for entry in waiting if awaited[entry.number] <= self._known.keys()]
            if not ready:
                detail = "what this refers to is made after it, or refers to it in turn"
                raise BadResource(errors=[FieldError(f"Bundle.entry[{waiting[0].number}]", detail, "not-supported")])
            waiting = [entry for entry in waiting if not awaited[entry.number] <= self._known.keys()]
            together: dict[str, list[Entry]] = {}
            for entry in [await self._resolved(entry) for entry in ready]:
                if entry.interaction == "create" and entry.resource.create_many and entry.said.if_none_exist is None:
                    together.setdefault(entry.resource.type, []).append(entry)
                else:
                    with _placed(entry):
                        self._note(entry, await done(self._asked, entry))
            for several in together.values():
                await self._create(several)

    async def _create(self, several: Sequence[Entry]) -> None:
        create_many = several[0].resource.create_many
        assert create_many is not None  # noqa: S101 - what they were put together by
        try:
            made = await create_many(self._asked, [entry.document for entry in several])
        except Problem as problem:
            raise _located_among(problem, several) from None
        for entry, one in zip(several, made, strict=True):
            self._note(entry, written(entry.said, one, created=True))

    def _note(self, entry: Entry, answer: Answer) -> None:
        """Keep what an entry was answered, and what it is known by from here on."""
        self.answers[entry.number] = answer
        where = answer.headers.get("Location")
        if where is None:
            return
        kind, key = where.removeprefix(f"{base_url()}/").split("/")[:2]
        if entry.interaction == "update_found":
            if (kind, key) in self._changed:
                raise _twice(entry)
            self._changed.add((kind, key))
        if entry.full_url:
            self._known[entry.full_url] = f"{kind}/{key}"

    def _awaited(self, entry: Entry) -> set[str]:
        """Return the full URLs of the entries that an entry refers to."""
        texts = [text for _, _, text in _references(entry.document)]
        texts += [value for _, value in (*entry.pairs, *pairs_of(entry.said.if_none_exist or ""))]
        return {name for text in texts for name in _names(entry, text) if name in self._named}

    async def _resolved(self, entry: Entry) -> Entry:
        """Return an entry with references as they are stored, instead of what they were known by in the Bundle."""
        document = entry.document
        found = [(text, await self._stored(entry, text, name)) for _, name, text in _references(document)]
        if any(text != stored for text, stored in found):
            document = deepcopy(document)  # an attempt that fails is made again with what was sent
            for (holder, name, _), (_, stored) in zip(list(_references(document)), found, strict=True):
                holder[name] = stored
        pairs = self._known_by(entry.pairs)
        said = entry.said
        if said.if_none_exist is not None:
            said = replace(said, if_none_exist=urlencode(self._known_by(pairs_of(said.if_none_exist))))
        return replace(entry, document=document, pairs=pairs, said=said)

    def _known_by(self, pairs: Pairs) -> Pairs:
        """Return parameters that name what entries are known by now; ``_id`` names ids."""
        found = [(name, self._known.get(value, value)) for name, value in pairs]
        return [(name, value.rpartition("/")[2] if name == "_id" else value) for name, value in found]

    async def _stored(self, entry: Entry, text: str, element: str) -> str:
        for name in _names(entry, text):
            if name in self._known:
                return self._known[name]
        if element != "reference":
            return text
        kind, mark, _ = text.partition("?")
        if mark and kind in BY_TYPE:
            return await self._found(entry, text)
        if text.startswith("urn:"):
            raise located(
                not_processable(entry.resource.type, f"no entry has the fullUrl {text[:100]}", "not-found"),
                entry.number,
            )
        return text

    async def _found(self, entry: Entry, text: str) -> str:
        """Return what a conditional reference is to: ``Patient?identifier=…`` (FHIR R4, 3.1.0.11.2.1)."""
        resource = BY_TYPE[text.partition("?")[0]]
        with _placed(entry):
            wanted = await criteria(self._asked, resource, pairs_of(text), entry.resource.type)
            one = await the_one(self._asked, resource, wanted, entry.resource.type)
            if one is None:
                raise not_processable(
                    entry.resource.type, f"no {resource.type} is found by what is referred to", "not-found"
                )
        return f"{resource.type}/{one['id']}"


@contextmanager
def _placed(entry: Entry) -> Iterator[None]:
    """Tell what goes wrong by its place in the Bundle."""
    try:
        yield
    except Problem as problem:
        raise located(problem, entry.number) from None


def _located_among(problem: Problem, several: Sequence[Entry]) -> Problem:
    """Return a problem of several that were created at once; what is wrong says with which of them: ``[3]``."""
    errors: list[FieldError] = []
    for error in problem.errors:
        matched = _PLACED.fullmatch(error.pointer)
        place = f"Bundle.entry[{several[int(matched[1]) if matched else 0].number}].resource"
        rest = matched[2].partition(".")[2] if matched else ""
        errors.append(replace(error, pointer=f"{place}.{rest}" if rest else place))
    problem.errors = tuple(errors)
    return located(problem, several[0].number)


def _names(entry: Entry, text: str) -> Iterator[str]:
    """Yield what a reference can mean among the Bundle's full URLs: itself, or what it is beside its own entry."""
    yield text
    matched = _ADDRESS.fullmatch(entry.full_url or "")
    if matched and "://" not in text:
        yield matched[1] + text


def _references(document: Any) -> Iterator[tuple[Json, str, str]]:
    """Yield each place of a document that can refer to an entry, with what it says."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for name, item in list(value.items()):
                if isinstance(item, str) and name in _REFERRING:
                    yield value, name, item
                elif isinstance(item, (dict, list)):
                    waiting.append(item)
        elif isinstance(value, list):
            waiting += value
