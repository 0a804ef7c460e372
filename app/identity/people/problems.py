"""Why something about a person cannot be done."""

from collections.abc import Callable
from typing import TypeVar

from app.core.problems import Conflict, FieldError, Malformed

Value = TypeVar("Value")
Checked = TypeVar("Checked")


class ContactPointExists(Conflict):
    """The person has this number or address already."""

    code, title = "contact_point_exists", "This person has that contact point already"


class ResidentClosedAlready(Conflict):
    """The resident died or moved out; their data no longer changes."""

    code, title = "resident_closed", "The residence has ended"


class AlreadyResident(Conflict):
    """The account is a resident already, or the operator's reference is taken."""

    code, title = "already_resident", "There is such a resident already"


def checked(field: str, value: Value, check: Callable[[Value], Checked]) -> Checked:
    """Return ``check(value)``; its ``ValueError`` becomes a ``Malformed`` that points to the body's ``field``."""
    try:
        return check(value)
    except ValueError as error:
        raise Malformed(errors=[FieldError(f"/body/{field}", str(error), f"invalid_{field}")]) from None
