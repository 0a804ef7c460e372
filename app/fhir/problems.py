"""What can be wrong with a FHIR request beside what is wrong everywhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from app.core.problems import FieldError, Problem


class NotAcceptable(Problem):
    """The answer is wanted in a format there is none in."""

    code, status, title = "not_acceptable", 406, "Answers are FHIR 4.0 in JSON"


class BadSearch(Problem):
    """A search says something that cannot be done; ``errors`` names the parameters."""

    code, status, title = "bad_search", 400, "The search cannot be done"


class BadResource(Problem):
    """The body is no resource of the kind; ``errors`` says where."""

    code, status, title = "bad_resource", 400, "The resource is not valid"


class NotProcessable(Problem):
    """The resource is valid and says what cannot be done here; ``errors`` says where."""

    code, status, title = "not_processable", 422, "This cannot be processed"


class SeveralMatch(Problem):
    """What was to be found by a search is not one thing."""

    code, status, title = "several_match", 412, "More than one is found"


@contextmanager
def telling_which(indexes: Sequence[int]) -> Iterator[None]:
    """Tell of what is wrong with something among several with which: ``[3]``, and where in it; ``indexes`` are theirs.

    A pointer of a list's item ends with the item's place.
    """
    try:
        yield
    except Problem as problem:
        problem.errors = tuple(_of_one(error, indexes) for error in problem.errors) or (
            FieldError(f"[{indexes[0]}]", problem.detail or problem.title, problem.code),
        )
        raise


def _of_one(error: FieldError, indexes: Sequence[int]) -> FieldError:
    last = error.pointer.rpartition("/")[2]
    if error.pointer.startswith("/"):
        return replace(error, pointer=f"[{indexes[int(last)] if last.isdecimal() else indexes[0]}]")
    return replace(error, pointer=f"[{indexes[0]}].{error.pointer}")


class NotMatched(Problem):
    """Patients are not looked for by name and birth date, which others know, too: a code or a check links them."""

    code, status, title = "patients_not_matched", 422, "Patients are linked by a code, never matched by name"


def bad_parameter(name: str, detail: str, code: str = "value") -> BadSearch:
    """Return the refusal of a search parameter."""
    return BadSearch(errors=[FieldError(f"/query/{name}", detail, code)])


def not_processable(expression: str, detail: str, code: str = "business-rule") -> NotProcessable:
    """Return the refusal of an element, named by its path: ``Appointment.participant[0].actor``."""
    return NotProcessable(errors=[FieldError(expression, detail, code)])
