"""What the resources of health records have in common: read, found and written as versions of what somebody said."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from pydantic import ValidationError

from app.core.paging import PageRequest
from app.core.problems import FieldError, Malformed, NotFound
from app.fhir.elements import Json, local, meta, reference, resource, uuid_of
from app.fhir.merging import Placed, Source
from app.fhir.problems import NotProcessable, bad_parameter, not_processable
from app.fhir.registry import ID, LAST_UPDATED, Asked, Changes, Found, Parameter, Query, Range
from app.fhir.resources.compartments import of_patients
from app.fhir.resources.organization import ids_of
from app.fhir.taking import Element, require_kept
from telemedicine import api
from telemedicine.api import AnyContent, Coding, HealthRecordKind, HealthRecordPublic, HealthRecordQuery
from telemedicine.events import HealthRecordMarkedWrong, HealthRecordWritten

SOURCE: Final = "urn:hearthline:record-source"
_SOURCES: Final = {
    "clinic": "A clinic says so",
    "resident": "The resident says so; no clinician vouches for it",
    "device": "A device measured it",
    "import": "A clinic's system brought it",
}
ENTERED_IN_ERROR: Final = "entered-in-error"
_NOTE: Final = "urn:hearthline:note"
_CONTENT: Final = "/body/content/"
_PATHS: Final = {"translations": "coding", "coding": "coding[0]", "note": "note[0].text"}
TYPES: Final[Mapping[HealthRecordKind, str]] = {
    "condition": "Condition",
    "allergy": "AllergyIntolerance",
    "immunization": "Immunization",
    "observation": "Observation",
    "document": "DocumentReference",
    "encounter": "Encounter",
    "care_plan": "CarePlan",
    "coverage": "Coverage",
}


def about(element: str, *names: str) -> tuple[Parameter, ...]:
    """Return the parameters of a kind that refers to its patient by ``element``; ``names`` beside ``patient``."""
    return (
        ID,
        LAST_UPDATED,
        *(
            Parameter(
                name, "reference", "Whose; default: one's own", targets=("Patient",), elements=(element,), many=True
            )
            for name in ("patient", *names)
        ),
    )


@dataclass(frozen=True, slots=True)
class Records:
    """A kind of health record as a resource.

    ``shown`` returns the elements it has of its own, ``taken`` the fields of its content from a document; ``paths`` are
    the elements in which fields stand that are called otherwise. ``wanted`` returns what a search asks for beyond
    patient, ids and last changes. ``status`` is the element that says ``entered-in-error``, with the system of its
    code if it is a concept.
    """

    kind: HealthRecordKind
    shown: Callable[[HealthRecordPublic], Json]
    taken: Callable[[Element], dict[str, Any]]
    wanted: Callable[[Query], dict[str, Any]]
    status: tuple[str, str | None] = ("status", None)
    paths: Mapping[str, str] = field(default_factory=dict)
    patient: str = "subject"

    @property
    def type(self) -> str:
        """Return the type of the resource."""
        return TYPES[self.kind]

    @property
    def changes(self) -> Changes:
        """Return the facts that tell of records of this kind."""

        def key(fact: HealthRecordWritten | HealthRecordMarkedWrong) -> str | None:
            return str(fact.aggregate_id) if fact.kind == self.kind else None

        return Changes((HealthRecordWritten, HealthRecordMarkedWrong), by_patient=True, key=key)

    def resource(self, of: HealthRecordPublic) -> Json:
        """Return a version of a record; by its tag it says who vouches for it."""
        known = meta(of.version, of.recorded_at)
        known["tag"] = [{"system": SOURCE, "code": of.source, "display": _SOURCES[of.source]}]
        elements = {self.patient: reference("Patient", of.resident_id), **self.shown(of)}
        return resource(self.type, of.id, meta=known, **elements)

    def of_kind(self, found: HealthRecordPublic) -> HealthRecordPublic:
        """Return a record of this kind; raises ``NotFound`` for any other."""
        if found.kind != self.kind:
            raise NotFound
        return found

    async def read(self, asked: Asked, key: str) -> Json:
        """Return a record as it stands; raises ``NotFound``, ``Forbidden`` without ``records:read``."""
        return self.resource(self.of_kind(await api.read_health_record(asked.connection, asked.actor, key_of(key))))

    async def read_version(self, asked: Asked, key: str, number: int) -> Json:
        """Return a version of a record; raises as ``read``."""
        found = await api.read_health_record_version(asked.connection, asked.actor, key_of(key), number)
        return self.resource(self.of_kind(found))

    async def history(self, asked: Asked, key: str, page: PageRequest) -> Found:
        """Return a page of a record's versions, the last first; raises as ``read``."""
        found = await api.health_record_versions_page(asked.connection, asked.actor, key_of(key), page)
        return Found([self.resource(self.of_kind(one)) for one in found.items], found.next)

    async def search(self, asked: Asked, query: Query) -> Found:
        """Return a page of a patient's records, those entered last first, those entered in error among them."""

        async def of_one(resident_id: uuid.UUID, page: PageRequest) -> Found:
            found = await api.health_records_page(asked.connection, asked.actor, resident_id, self.query(query), page)
            return Found([self.resource(one) for one in found.items], found.next)

        return await of_patients(asked, query, of_one, "patient", self.patient)

    def source(self, asked: Asked, resident_id: uuid.UUID, asks: HealthRecordQuery) -> Source:
        """Return a patient's records as one of several lists, in order of their ids or of time."""

        async def page(part: PageRequest) -> tuple[list[Placed], bool]:
            found = await api.health_records_page(asked.connection, asked.actor, resident_id, asks, part)
            placed = [
                Placed(api.health_record_order(one, asks), api.health_record_cursor(one, asks), self.resource(one))
                for one in found.items
            ]
            return placed, found.next is not None

        return page

    def query(self, query: Query, **more: Any) -> HealthRecordQuery:
        """Return which records are wanted."""
        updated = query.range("_lastUpdated")
        return HealthRecordQuery(
            kind=self.kind,
            ids=ids_of(query.ids),
            updated_since=updated.since,
            updated_before=updated.before,
            with_errors=True,
            ascending=query.descending is False,
            **self.wanted(query),
            **more,
        )

    async def create(self, asked: Asked, document: Json) -> Json:
        """Keep what a document says and return it; raises ``NotProcessable``, and what ``enter_health_record`` raises.

        What says something that is not kept is refused, unless it says what is so anyway.
        """
        sent = Element(document, self.type)
        if self._is_in_error(document):
            raise not_processable(self._status_path, "what is wrong is not entered", "value")
        resident_id, content = self._resident_id(sent), self._content(sent)
        with self._by_path():
            made = await api.enter_health_record(asked.writing, asked.actor, resident_id, content)
        shown = self.resource(made)
        require_kept(sent, shown)
        return shown

    async def update(self, asked: Asked, key: str, document: Json, version: int | None) -> Json:
        """Say what is right instead, or that it was entered in error; what was said before stays, as a version.

        Raises ``NotFound``, ``StaleVersion``, ``NotProcessable``, and what ``correct_health_record`` raises.
        """
        sent = Element(document, self.type)
        before = self.of_kind(await api.correctable_health_record(asked.writing, asked.actor, key_of(key)))
        if self._resident_id(sent) != before.resident_id:
            raise not_processable(f"{self.type}.{self.patient}", "a record stays its patient's")
        content: AnyContent | None = None
        if self._is_in_error(document):
            # It says what it said; that alone changes.
            for name in (self.status[0], "clinicalStatus"):
                sent.take(name)
            require_kept(sent, self.resource(before))
        else:
            content = self._content(sent)
        with self._by_path():
            after = await api.correct_health_record(asked.writing, asked.actor, before.id, content, version)
        shown = self.resource(after)
        require_kept(sent, shown, self.resource(before))
        return shown

    @property
    def _status_path(self) -> str:
        return f"{self.type}.{self.status[0]}"

    def _is_in_error(self, document: Json) -> bool:
        element, system = self.status
        said = document.get(element)
        if system is None:
            return bool(said == ENTERED_IN_ERROR)
        codings = said.get("coding", []) if isinstance(said, dict) else []
        return any(one.get("system") == system and one.get("code") == ENTERED_IN_ERROR for one in codings)

    def _resident_id(self, sent: Element) -> uuid.UUID:
        referred = sent.within(self.patient)
        kind, _, key = local(str(referred.take("reference") if referred else "")).partition("/")
        resident_id = uuid_of(key) if kind == "Patient" else None
        if resident_id is None:
            path = f"{self.type}.{self.patient}.reference"
            raise not_processable(path, "a reference to a Patient of ours", "not-found")
        return resident_id

    def _content(self, sent: Element) -> AnyContent:
        fields = {name: value for name, value in self.taken(sent).items() if value is not None}
        try:
            return api.CONTENTS.validate_python({"kind": self.kind, **fields})
        except ValidationError as error:
            errors = [
                FieldError(
                    self._path(item["loc"][1:]),
                    item["msg"].removeprefix("Value error, "),
                    "required" if item["type"] == "missing" else "value",
                )
                for item in error.errors()
            ]
            raise NotProcessable(errors=errors) from None

    @contextmanager
    def _by_path(self) -> Iterator[None]:
        """Tell what is refused of a content by the path of its element."""
        try:
            yield
        except Malformed as refusal:
            if not all(error.pointer.startswith(_CONTENT) for error in refusal.errors) or not refusal.errors:
                raise
            errors = [
                FieldError(self._path(error.pointer.removeprefix(_CONTENT).split("/")), error.detail, error.code)
                for error in refusal.errors
            ]
            raise NotProcessable(errors=errors) from None

    def _path(self, steps: Sequence[str | int]) -> str:
        """Return the FHIRPath of a field of the content."""
        path, field_name = [self.type], ""
        for step in steps:
            if str(step).isdecimal():
                # Of a concept's codes the first has a field of its own.
                first = 1 if field_name.endswith("translations") else 0
                path[-1] += f"[{int(step) + first}]"
                continue
            field_name = f"{field_name}.{step}".removeprefix(".")
            path.append(self.paths.get(field_name) or _PATHS.get(str(step), str(step)))
        return ".".join(path)


def told_beside(note: str | None) -> list[Json] | None:
    """Return the note of a kind that has no element for one."""
    return None if note is None else [{"url": _NOTE, "valueString": note}]


def words_beside(sent: Element) -> str | None:
    """Return the note of a kind that has no element for one."""
    for extension in sent.all("extension"):
        if extension.take_if("url", _NOTE):
            return str(extension.take("valueString") or "")
    return None


def key_of(key: str) -> uuid.UUID:
    """Return the id of ours a FHIR id is; raises ``NotFound``."""
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


def coded(query: Query, name: str, bare: Mapping[str, str] | None = None) -> list[Coding] | None:
    """Return the codes a search wants, ``None`` if it does not say; raises ``BadSearch``.

    They are kept as blind indexes of system and code together, so neither can be looked for alone; ``bare`` are codes
    that are known without their system.
    """
    if name not in query.tokens:
        return None
    found = []
    for token in query.tokens[name]:
        system = token.system or (bare or {}).get(token.code or "")
        if not system or not token.code:
            raise bad_parameter(name, "system and code, both: system|code", "not-supported")
        with suppress(ValidationError):  # no code that anything has
            found.append(Coding(system=system, code=token.code))
    return found


def of_days(wanted: Range) -> dict[str, Any]:
    """Return the time that is wanted of what is known by its day: a day is the same on every wall."""
    return {"first": _day(wanted.since), "end": _day(wanted.before, later=True)}


def of_instants(wanted: Range, since: str = "first", before: str = "end") -> dict[str, Any]:
    """Return the time that is wanted of what is known by its instant."""
    return {since: wanted.since, before: wanted.before}


def _day(at: datetime | None, *, later: bool = False) -> datetime | None:
    if at is None:
        return None
    day = datetime.combine(at.date(), time(), UTC)
    return day + timedelta(days=1) if later and at.time() != time() else day


def said_by(of: HealthRecordPublic) -> Json | None:
    """Return a reference to who said a version, by name where they are nobody of ours; ``None`` for ourselves."""
    if of.is_own:
        return reference("Patient", of.resident_id, of.author_name)
    if of.practitioner_id is not None:
        return reference("Practitioner", of.practitioner_id, of.author_name)
    if of.author_name is not None:
        return {"display": of.author_name}
    return None


def status_of(of: HealthRecordPublic, said: str) -> str:
    """Return the status of a version: what was ``said``, or that it was entered in error."""
    return ENTERED_IN_ERROR if of.status == ENTERED_IN_ERROR else said
