"""What records are made of, shown and taken: concepts, codes of one value set, days, instants and notes."""

from datetime import datetime
from typing import Any

from app.fhir.elements import Json, coding, filled, instant
from app.fhir.intake import instant_sent
from app.fhir.problems import not_processable
from app.fhir.taking import Element
from telemedicine.api import CodeableConcept


def concept_shown(of: CodeableConcept | None) -> Json | None:
    """Return a concept with all its codes."""
    if of is None:
        return None
    return filled(coding=[coding(one.system, one.code, one.display) for one in of.codings], text=of.text)


def concept_taken(element: Element | None) -> Json | None:
    """Return the fields of a concept: its first code, the others, its words. A code needs its system."""
    if element is None:
        return None
    codings = []
    for one in element.all("coding"):
        given = {name: value for name in ("system", "code", "display") if (value := one.take(name)) is not None}
        for name in ("system", "code"):
            if name not in given:
                raise not_processable(f"{one.path}.{name}", "a code with its system", "required")
        codings.append(given)
    return filled(coding=codings[0] if codings else None, translations=codings[1:], text=element.take("text"))


def code_shown(system: str, code: str | None, display: str | None = None) -> Json | None:
    """Return a concept that is a code of a value set."""
    return None if code is None else {"coding": [coding(system, code, display)]}


def code_taken(element: Element | None, system: str) -> str | None:
    """Return the code of a system that a concept has; what it says beside is left.

    Raises ``NotProcessable`` for one without such a code.
    """
    if element is None:
        return None
    for one in element.all("coding"):
        if one.take_if("system", system) and (code := one.take("code")):
            for told in (one.take("display"), code):
                element.take_if("text", told)
            return str(code)
    raise not_processable(f"{element.path}.coding", f"a code of {system}", "value")


def day_taken(element: Element, name: str) -> str | None:
    """Return a date that is known to the year, the month or the day; raises ``NotProcessable`` for an instant."""
    text = element.take(name)
    if text is not None and "T" in text:
        raise not_processable(f"{element.path}.{name}", "a day, a month or a year: the time is not kept", "value")
    return None if text is None else str(text)


def instant_taken(element: Element, name: str) -> datetime | None:
    """Return an instant; raises ``NotProcessable`` for a day."""
    text = element.take(name)
    return None if text is None else instant_sent(str(text), f"{element.path}.{name}")


def days_shown(starts_on: Any, ends_on: Any) -> Json | None:
    """Return a period of days."""
    return filled(**{name: str(day) for name, day in (("start", starts_on), ("end", ends_on)) if day is not None})


def days_taken(element: Element | None) -> dict[str, Any]:
    """Return the first and the last day of a period."""
    if element is None:
        return {}
    return {"starts_on": whole_day_taken(element, "start"), "ends_on": whole_day_taken(element, "end")}


def whole_day_taken(element: Element, name: str) -> str | None:
    """Return a day; raises ``NotProcessable`` for a year, a month, or an instant."""
    text = day_taken(element, name)
    if text is not None and len(text) != len("2026-03-02"):
        raise not_processable(f"{element.path}.{name}", "a day: year, month and day", "value")
    return text


def instant_shown(at: datetime | None) -> str | None:
    """Return an instant, if there is one."""
    return None if at is None else instant(at)


def note_shown(note: str | None) -> list[Json] | None:
    """Return a note."""
    return None if note is None else [{"text": note}]


def note_taken(element: Element) -> str | None:
    """Return the words of the only note."""
    note = element.one("note")
    return None if note is None else note.take("text")
