"""A search as it is asked for, understood: what is wanted, what shapes the answer, what was not understood."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final, Literal
from urllib.parse import parse_qsl

from app.core.paging import DEFAULT_LIMIT, MAX_LIMIT, PageRequest
from app.core.problems import FieldError
from app.fhir import values
from app.fhir.problems import BadSearch, bad_parameter
from app.fhir.registry import Parameter, Query, Range, Resource, Token

Handling = Literal["strict", "lenient"]
Summary = Literal["true", "text", "data", "count", "false"]
Pairs = Sequence[tuple[str, str]]
CURSOR: Final = "_cursor"
_MOST_INCLUDES: Final = 10
_MOST_CHAINS: Final = 5
_DEEPEST: Final = 3
"""So many references one parameter can lead along."""


@dataclass(frozen=True, slots=True)
class Include:
    """What is wanted beside what was searched for: along a parameter of ``source``, there or back."""

    source: Resource
    parameter: Parameter
    target: str | None
    back: bool
    iterate: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """A search within a search: for what a parameter refers to, or ``back`` for what refers by it to what is wanted.

    ``name`` is how its parameters begin.
    """

    name: str
    parameter: Parameter
    other: Resource
    wanted: "Wanted"
    back: bool


@dataclass(slots=True)
class Wanted:
    """A search that was understood. ``used`` is what of it was, ``ignored`` the names of what was not.

    ``missing`` are parameters that what is wanted has no value of, or has one of.
    """

    query: Query = field(default_factory=Query)
    includes: list[Include] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    missing: list[tuple[Parameter, bool]] = field(default_factory=list)
    elements: frozenset[str] | None = None
    summary: Summary = "false"
    is_counted: bool = False
    used: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def pairs_of(text: str) -> Pairs:
    """Return the parameters of a search that is told as a text, with or without what is before its question mark."""
    before, mark, after = text.partition("?")
    return parse_qsl(after if mark and "=" not in before else text, keep_blank_values=True)


def needs_zone(resource: Resource, pairs: Pairs) -> bool:
    """Say whether a time is asked for as it is on the wall."""
    dates = {parameter.name for parameter in resource.parameters if parameter.kind == "date"}
    return any((name in dates or "." in name or ":" in name) and values.needs_zone(value) for name, value in pairs)


def page_of(pairs: Pairs) -> PageRequest:
    """Return which page of a history is wanted, and how much of it; raises ``BadSearch``."""
    known = dict(pairs)
    return PageRequest(_limit(known["_count"]) if "_count" in known else DEFAULT_LIMIT, known.get(CURSOR))


def _limit(value: str) -> int:
    if not value.isdecimal() or len(value) > 9 or int(value) < 1:
        raise bad_parameter("_count", "a number from 1 on; _summary=count counts")
    return min(int(value), MAX_LIMIT)


def understand(
    resource: Resource, pairs: Pairs, *, handling: Handling, zone: tzinfo, served: Mapping[str, Resource]
) -> Wanted:
    """Return what a search wants; raises ``BadSearch``, where handling is strict also for what is not known here."""
    reader = _Reader(resource, zone, served)
    for name, value in pairs:
        if reader.read(name, value):
            if name != CURSOR:
                reader.wanted.used.append((name, value))
        else:
            reader.wanted.ignored.append(name)
    if reader.wanted.ignored and handling == "strict":
        raise BadSearch(
            errors=[
                FieldError(f"/query/{name}", "this is not known here", "not-supported")
                for name in reader.wanted.ignored
            ]
        )
    return reader.finished()


@contextmanager
def within(begin: str) -> Iterator[None]:
    """Tell what is wrong in a search within a search by how its parameters are called in that."""
    try:
        yield
    except BadSearch as refusal:
        at = f"/query/{begin}"
        refusal.errors = tuple(replace(one, pointer=one.pointer.replace("/query/", at, 1)) for one in refusal.errors)
        raise


def kept_query(resource: Resource, text: str, served: Mapping[str, Resource], pointer: str) -> Query:
    """Return the query of a search that is written down to be asked later; raises ``BadSearch`` at ``pointer``.

    It says which resources are meant, and nothing of how they are shown. Its times have offsets, as what is a day on
    the wall here may be another where it was written.
    """

    def refused(detail: str, code: str = "not-supported") -> BadSearch:
        return BadSearch(errors=[FieldError(pointer, f"{resource.type}: {detail}", code)])

    pairs = parse_qsl(text, keep_blank_values=True)
    for name, _ in pairs:
        if resource.parameter(name.partition(":")[0]) is None:
            raise refused(f"there is no search by {name}")
    if needs_zone(resource, pairs):
        raise refused("write times with their offset", "value")
    try:
        wanted = understand(resource, pairs, handling="strict", zone=UTC, served=served)
    except BadSearch as error:
        found = error.errors[0]
        raise refused(f"{found.pointer.rpartition('/')[2]}: {found.detail}", found.code) from None
    if wanted.chains or wanted.missing:
        raise refused("no searches within searches, and nothing that is missing")
    return wanted.query


class _Reader:
    """Takes parameter by parameter; each method says whether it was understood."""

    def __init__(self, resource: Resource, zone: tzinfo, served: Mapping[str, Resource]) -> None:
        self._resource, self._zone, self._served = resource, zone, served
        self.wanted = Wanted()
        self._tokens: dict[str, frozenset[Token]] = {}
        self._references: dict[str, frozenset[tuple[str, str]]] = {}
        self._dates: dict[str, Range] = {}
        self._strings: dict[str, str] = {}
        self._limit = DEFAULT_LIMIT
        self._cursor: str | None = None
        self._chained: dict[tuple[str, str, bool], list[tuple[str, str]]] = {}
        self._shaping: Mapping[str, Callable[[str], bool]] = {
            "_count": self._count,
            CURSOR: self._continue,
            "_sort": self._sort,
            "_elements": self._elements,
            "_summary": self._summary,
            "_total": self._total,
            "_include": lambda value: self._include(value, back=False, iterate=False),
            "_include:iterate": lambda value: self._include(value, back=False, iterate=True),
            "_revinclude": lambda value: self._include(value, back=True, iterate=False),
            "_revinclude:iterate": lambda value: self._include(value, back=True, iterate=True),
            "_format": lambda _: True,
            "_pretty": lambda _: True,
        }

    def finished(self) -> Wanted:
        if len(self._chained) > _MOST_CHAINS:
            raise bad_parameter("_has", f"at most {_MOST_CHAINS} searches within a search", "too-costly")
        self.wanted.chains = [self._understood(*place, pairs) for place, pairs in self._chained.items()]
        ids = self._tokens.pop("_id", None)
        self.wanted.query = replace(
            self.wanted.query,
            tokens=self._tokens,
            references=self._references,
            dates=self._dates,
            strings=self._strings,
            ids=None if ids is None else frozenset(token.code or "" for token in ids),
            page=PageRequest(self._limit, self._cursor),
        )
        return self.wanted

    def read(self, name: str, value: str) -> bool:
        if name in self._shaping:
            return self._shaping[name](value)
        base, dot, rest = name.partition(".")
        base, _, modifier = base.partition(":")
        parameter = self._resource.parameter(base)
        if parameter is None and base != "_has":
            return False
        if not value:
            raise bad_parameter(name, "a value is missing", "required")
        if "\0" in value:  # of a form, or an address in a Bundle; nothing that is stored holds one
            raise bad_parameter(name, "contains a NUL character")
        if parameter is None:
            self._reverse(name, value)
        elif dot:
            self._chain(name, parameter, modifier, rest, value)
        elif modifier == "missing":
            self._missing(parameter, value)
        else:
            self._plain(parameter, modifier, value)
        return True

    def _plain(self, parameter: Parameter, modifier: str, value: str) -> None:
        match parameter.kind:
            case "date":
                self._date(parameter, modifier, value)
            case "token":
                self._token(parameter, modifier, value)
            case "reference":
                self._reference(parameter, modifier, value)
            case "string":
                self._string(parameter, modifier, value)

    def _date(self, parameter: Parameter, modifier: str, value: str) -> None:
        self._check_modifier(parameter, modifier)
        found = values.date_range(parameter.name, value, self._zone)
        before = self._dates.get(parameter.name)
        self._dates[parameter.name] = values.meet(parameter.name, before, found) if before else found

    def _token(self, parameter: Parameter, modifier: str, value: str) -> None:
        self._check_modifier(parameter, modifier, *(("not",) if parameter.codes else ()))
        self._check_once(parameter, given=parameter.name in self._tokens)
        found = values.tokens(parameter.name, value)
        if modifier:
            found = frozenset(Token(None, code) for code in {*parameter.codes} - {token.code for token in found})
        self._tokens[parameter.name] = found

    def _reference(self, parameter: Parameter, modifier: str, value: str) -> None:
        if modifier == "identifier" and parameter.identified:
            self._check_once(parameter, given=parameter.name in self._tokens)
            self._tokens[parameter.name] = values.tokens(parameter.name, value)
            return
        self._check_modifier(parameter, modifier, *parameter.targets)
        found = values.references(parameter, value, modifier or None)
        known = self._references.get(parameter.name, frozenset())
        if len(parameter.targets) > 1:
            # Several at once are all wanted if they are of different kinds, and any of them if they are of one.
            kinds = {kind for kind, _ in found}
            bare = all("/" not in one for one in values.listed(parameter.name, value)) and not modifier
            if bare or len(kinds) > 1 or kinds & {kind for kind, _ in known}:
                raise bad_parameter(parameter.name, "say of which one kind each is: Type/id", "not-supported")
        else:
            self._check_once(parameter, given=parameter.name in self._references)
        self._references[parameter.name] = known | found

    def _string(self, parameter: Parameter, modifier: str, value: str) -> None:
        self._check_modifier(parameter, modifier, "contains")
        self._check_once(parameter, given=parameter.name in self._strings)
        if len(values.listed(parameter.name, value)) > 1:
            raise bad_parameter(parameter.name, "one text at a time", "not-supported")
        self._strings[parameter.name] = values.pattern(value, anywhere=modifier == "contains")

    def _missing(self, parameter: Parameter, value: str) -> None:
        if not parameter.elements:
            raise bad_parameter(f"{parameter.name}:missing", "this modifier is not known here", "not-supported")
        if value not in ("true", "false"):
            raise bad_parameter(f"{parameter.name}:missing", "true or false")
        self.wanted.missing.append((parameter, value == "true"))

    def _chain(self, name: str, parameter: Parameter, kind: str, rest: str, value: str) -> None:
        """Note what is wanted of what a parameter refers to: ``patient.name``, ``actor:Patient.name``."""
        if parameter.kind != "reference" or name.count(".") > _DEEPEST or (kind and kind not in parameter.targets):
            raise bad_parameter(name, f"up to {_DEEPEST} references to what they can be to", "not-supported")
        if not kind and len(parameter.targets) != 1:
            raise bad_parameter(name, f"say of which kind: {parameter.name}:{parameter.targets[0]}.{rest}", "required")
        target = kind or parameter.targets[0]
        if target not in self._served:
            raise bad_parameter(name, f"{target} is not served here", "not-supported")
        self._chained.setdefault((parameter.name, target, False), []).append((rest, value))

    def _reverse(self, name: str, value: str) -> None:
        """Note what is wanted of what refers to it: ``_has:Appointment:patient:date``."""
        _, kind, by, rest, *_ = *name.split(":", 3), "", "", ""
        source = self._served.get(kind)
        parameter = source.parameter(by) if source else None
        is_back = parameter is not None and parameter.elements and self._resource.type in parameter.targets
        if not is_back or not rest or name.count("_has:") > _DEEPEST:
            raise bad_parameter(name, "_has:Type:reference:parameter, of what refers to it here", "not-supported")
        self._chained.setdefault((by, kind, True), []).append((rest, value))

    def _understood(self, by: str, kind: str, back: bool, pairs: Pairs) -> Chain:
        """Return a search within this one; what is wrong in it is told by its place in this one."""
        other = self._served[kind]
        parameter = (other if back else self._resource).parameter(by)
        assert parameter is not None  # noqa: S101 - looked up when it was noted
        begin = f"_has:{kind}:{by}:" if back else f"{by}." if len(parameter.targets) == 1 else f"{by}:{kind}."
        for name, _ in pairs:
            if name.partition(":")[0] in self._shaping:
                raise bad_parameter(f"{begin}{name}", "this does not narrow what is wanted", "not-supported")
        with within(begin):
            wanted = understand(other, pairs, handling="strict", zone=self._zone, served=self._served)
        return Chain(begin, parameter, other, wanted, back)

    def _check_modifier(self, parameter: Parameter, modifier: str, *known: str) -> None:
        if modifier and modifier not in known:
            raise bad_parameter(f"{parameter.name}:{modifier}", "this modifier is not known here", "not-supported")

    def _check_once(self, parameter: Parameter, *, given: bool) -> None:
        if given:
            raise bad_parameter(parameter.name, "give it once, with commas between values", "not-supported")

    def _count(self, value: str) -> bool:
        if value == "0":  # as if only the number were asked for (FHIR R4, 3.1.1.5.6)
            return self._summary("count")
        self._limit = _limit(value)
        return True

    def _continue(self, value: str) -> bool:
        self._cursor = value
        return True

    def _sort(self, value: str) -> bool:
        """Note the order; what comes after the first is told apart by ids already, and nothing else can be."""
        first, *others = values.listed("_sort", value)
        descending = first.startswith("-")
        if first.removeprefix("-") not in self._resource.sorts or others not in ([], ["-_id" if descending else "_id"]):
            return False
        self.wanted.query = replace(self.wanted.query, descending=descending)
        return True

    def _elements(self, value: str) -> bool:
        self.wanted.elements = frozenset(name.strip() for name in values.listed("_elements", value))
        return True

    def _summary(self, value: str) -> bool:
        match value:
            case "true" | "text" | "data" | "count" | "false":
                self.wanted.summary = value
                return True
        raise bad_parameter("_summary", "true, text, data, count or false")

    def _total(self, value: str) -> bool:
        if value not in ("none", "estimate", "accurate"):
            raise bad_parameter("_total", "none, estimate or accurate")
        self.wanted.is_counted = value != "none"
        return True

    def _include(self, value: str, *, back: bool, iterate: bool) -> bool:
        kind, _, rest = value.partition(":")
        name, _, target = rest.partition(":")
        source = self._served.get(kind)
        parameter = source.parameter(name) if source else None
        if source is None or parameter is None or parameter.kind != "reference" or not parameter.elements:
            return False
        if back and not parameter.many:
            return False
        if not iterate and not (back or source is self._resource):
            return False
        if target and target not in parameter.targets:
            return False
        if len(self.wanted.includes) >= _MOST_INCLUDES:
            raise bad_parameter("_include", f"at most {_MOST_INCLUDES}", "not-supported")
        self.wanted.includes.append(Include(source, parameter, target or None, back, iterate))
        return True
