"""Why something about a person cannot be done."""

from collections.abc import Callable
from typing import TypeVar

from app.core.problems import Conflict, FieldError, Malformed

Value = TypeVar("Value")
Checked = TypeVar("Checked")


class ContactPointExists(Conflict):
    """The person has this number or address already."""

    code, title = "contact_point_exists", "This person has that contact point already"


class LastContactPoint(Conflict):
    """Nobody becomes unreachable by removing the last way to reach them."""

    code, title = "last_contact_point", "This is the last way to reach the person"


class TooManyContactPoints(Conflict):
    """A person has as many contact points as there can be."""

    code, title = "too_many_contact_points", "This person has too many contact points"


class ResidenceEnded(Conflict):
    """The resident died or moved out; what is known of them no longer changes."""

    code, title = "residence_ended", "The residence has ended"


class ReferenceTaken(Conflict):
    """The operator's own number stands for another resident or household."""

    code, title = "reference_taken", "This reference is taken"


def checked(field: str, value: Value, check: Callable[[Value], Checked]) -> Checked:
    """Return ``check(value)``; its ``ValueError`` becomes a ``Malformed`` that points to the body's ``field``."""
    try:
        return check(value)
    except ValueError as error:
        code = f"invalid_{field.rpartition('/')[2]}"
        raise Malformed(errors=[FieldError(f"/body/{field}", str(error), code)]) from None
