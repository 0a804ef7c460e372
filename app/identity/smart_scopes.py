"""SMART scopes (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"; those of version 1 are read as well)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from app.identity import scopes as house

Interaction = Literal["c", "r", "u", "d", "s"]
Context = Literal["patient", "user", "system"]

OPENID: Final = "openid"
FHIR_USER: Final = "fhirUser"
LAUNCH_PATIENT: Final = "launch/patient"
OFFLINE: Final = "offline_access"
ONLINE: Final = "online_access"
_WORDS: Final = (OPENID, FHIR_USER, LAUNCH_PATIENT, OFFLINE, ONLINE)

_FORM: Final = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{2,40})"
    r"\.(?P<may>(?=[cruds])c?r?u?d?s?|read|write|\*)(?:\?(?P<more>.*))?"
)
_RESOURCE: Final = re.compile(r"(?:patient|user|system)/")
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_READING: Final = frozenset("rs")

_DIRECTORY: Final = (
    "HealthcareService Location OperationDefinition Organization Practitioner PractitionerRole Schedule Slot"
)
DIRECTORY: Final = frozenset(_DIRECTORY.split())
"""What is about no patient, and open to all who are let in."""

_RECORDS: Final = "AllergyIntolerance Condition DocumentReference Binary Immunization Coverage Provenance"
_MEDICATION: Final = "MedicationRequest MedicationStatement MedicationAdministration"
_MONEY: Final = "Claim ClaimResponse CoverageEligibilityRequest CoverageEligibilityResponse"
_Needs = tuple[frozenset[str], frozenset[str]]
_NONE: Final[frozenset[str]] = frozenset()


def _each(kinds: str, reading: Iterable[str], writing: Iterable[str]) -> dict[str, _Needs]:
    return dict.fromkeys(kinds.split(), (frozenset(reading), frozenset(writing)))


# Which of our scopes a kind of resource is read and written by; one of them is enough, as no resource needs them all.
NEEDS: Final[dict[str, _Needs]] = {
    **_each(_DIRECTORY, _NONE, _NONE),
    **_each("Patient Group", [house.PROFILE_READ], [house.PROFILE_READ]),
    **_each("Observation", [house.VITALS_READ, house.RECORDS_READ], [house.VITALS_WRITE, house.RECORDS_WRITE]),
    **_each("Appointment AppointmentResponse", [house.APPOINTMENTS_MANAGE], [house.APPOINTMENTS_MANAGE]),
    **_each("Encounter", [house.CONSULTATIONS_READ, house.RECORDS_READ], [house.RECORDS_WRITE]),
    **_each(_RECORDS, [house.RECORDS_READ], [house.RECORDS_WRITE]),
    **_each("CarePlan", [house.RECORDS_READ, house.VISITS_READ], [house.RECORDS_WRITE, house.VISITS_MANAGE]),
    **_each(
        _MEDICATION,
        [house.MEDICATION_READ, house.RECORDS_READ],
        [house.MEDICATION_RECORD, house.MEDICATION_MANAGE, house.RECORDS_WRITE],
    ),
    **_each("ServiceRequest", [house.RECORDS_READ, house.CONSULTATIONS_READ], [house.RECORDS_WRITE]),
    **_each(_MONEY, [house.APPOINTMENTS_MANAGE, house.RECORDS_READ], [house.APPOINTMENTS_MANAGE, house.RECORDS_WRITE]),
    **_each("AuditEvent Consent", [house.PROFILE_READ], [house.PROFILE_READ]),
    **_each("Subscription", [house.PROFILE_READ], [house.PROFILE_READ]),
}


class ScopeNotKnown(ValueError):  # noqa: N818 - says what happened
    """A scope that looks like one of a resource and is none; the message may be told to whoever asked."""


@dataclass(frozen=True, slots=True)
class SmartScope:
    """What one scope lets do: some interactions with a kind of resource, or with all of them (``*``)."""

    text: str
    context: Context
    type: str
    may: str

    def covers(self, kind: str, interaction: Interaction) -> bool:
        """Say whether the scope is about this interaction with this kind."""
        return interaction in self.may and self.type in ("*", kind)


@lru_cache(maxsize=4_096)
def parse(text: str) -> SmartScope | None:
    """Return the scope of a resource ``text`` spells, ``None`` for any other word; raises ``ScopeNotKnown``."""
    if not _RESOURCE.match(text):
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        raise ScopeNotKnown(f"{text} is no SMART scope: patient, user or system / a type . some of cruds, in order")
    if found["more"] is not None:
        raise ScopeNotKnown(f"{text} asks for a part of a type by a search: only whole types are told apart here")
    context: Context = found["context"]  # type: ignore[assignment]  # the form has no other
    return SmartScope(text, context, found["type"], _VERSION_1.get(found["may"], found["may"]))


def resources(scopes: Iterable[str]) -> list[SmartScope]:
    """Return those of ``scopes`` that are of resources."""
    return [found for scope in scopes if (found := parse(scope)) is not None]


def granted(requested: str, held: Collection[str], contexts: Collection[Context]) -> tuple[str, ...]:
    """Return what is granted of the scopes that are requested, as RFC 6749 (3.3) lets a server: less, never more.

    ``held`` are our own scopes the client was registered for. What it could never do with a kind is left out of its
    scope; words that mean nothing here are, too. Raises ``ScopeNotKnown`` for a malformed scope, and one of a context
    this way of asking cannot give.
    """
    kept: dict[str, None] = {}
    for word in requested.split():
        scope = parse(word)
        if scope is None:
            if "user" in contexts and word in _WORDS:
                kept[word] = None
            continue
        if scope.context not in contexts:
            raise ScopeNotKnown(f"{word} cannot be asked for in this way")
        may = "".join(letter for letter in scope.may if _is_useful(scope.type, letter, held))
        if may == scope.may:
            kept[word] = None
        elif may:
            kept[f"{scope.context}/{scope.type}.{may}"] = None
    return tuple(kept)


def _is_useful(kind: str, letter: str, held: Collection[str]) -> bool:
    if kind == "*":
        return True
    if kind not in NEEDS:
        return False
    needed = _needed(kind, letter)
    return not needed or not needed.isdisjoint(held)


def _needed(kind: str, letter: str) -> frozenset[str]:
    reading, writing = NEEDS[kind]
    return reading if letter in _READING else writing


def house_scopes(scopes: Iterable[str], held: Collection[str]) -> frozenset[str]:
    """Return which of our scopes, of those ``held``, SMART scopes come to."""
    needed: set[str] = set()
    for scope in resources(scopes):
        for kind in NEEDS if scope.type == "*" else [scope.type]:
            for letter in scope.may if kind in NEEDS else "":
                needed |= _needed(kind, letter)
    return frozenset(needed & set(held))


def wants_patient(scopes: Collection[str]) -> bool:
    """Say whether somebody has to say whom the app is about."""
    return LAUNCH_PATIENT in scopes or any(scope.context == "patient" for scope in resources(scopes))
