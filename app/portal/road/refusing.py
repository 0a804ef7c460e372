"""Why something of a visit was not taken, in plain words: what has happened meanwhile, and what can be done now."""

from collections.abc import Mapping
from typing import Any, Final

from app.portal.ground.asking import Refused
from app.portal.ground.moments import clock_time
from app.portal.ground.pages import words_of
from app.portal.ground.visits import Visit
from app.portal.road.texts import WORDS

_GONE: Final = (403, 404)
_ANSWERED: Final = (409, 413, 415, 422)


def why(visit: Visit, refusal: Refused) -> str:
    """Return what a page says of a refusal; raises it again where it is not about what was given."""
    words = words_of(WORDS, visit.language)
    problem = refusal.problem
    said: str | None = None
    match refusal.code:
        case "visit_not_open":
            said = words.get(f"trouble_visit_{problem.get('state')}")
        case "presence_not_proven":
            said = words.get(f"trouble_doubt_{problem.get('doubt')}")
        case "task_recorded":
            said = _by_a_colleague(visit, words, problem)
        case "dose_already_recorded":
            said = _dose(visit, words, problem)
    if said is None and refusal.status in _GONE:
        # A visit that went to a colleague, or a home one may no longer know of: what was given is not lost by that.
        said = words["trouble_not_your_visit"]
    if said is None:
        said = words.get(f"trouble_{refusal.code}")
    if said is None and refusal.status in _ANSWERED:
        said = words["trouble_not_taken"]
    if said is None:
        raise refusal
    return said


def _by_a_colleague(visit: Visit, words: Mapping[str, str], problem: Mapping[str, Any]) -> str:
    key = "trouble_task_was_done" if problem["is_done"] else "trouble_task_was_left"
    return words[key].format(at=clock_time(visit, problem["ticked_at"]))


def _dose(visit: Visit, words: Mapping[str, str], problem: Mapping[str, Any]) -> str:
    if problem.get("state") == "skipped":
        return words["trouble_dose_was_skipped"]
    taken_at = problem.get("taken_at")
    return words["trouble_dose_was_taken"].format(
        at=clock_time(visit, taken_at) if taken_at else words["earlier_today"]
    )


def instead(visit: Visit, code: str) -> Mapping[str, Any] | None:
    """Return what may be sent in place of what was refused, with what it is called; ``None`` where nothing may."""
    words = words_of(WORDS, visit.language)
    fields: Mapping[str, str]
    match code:
        case "task_recorded":
            fields = {"confirmed": "1"}
        case "tasks_open":
            fields = {"unfinished_reason": words["left_not_possible"]}
        case "presence_not_proven":
            fields = {"code": "", "latitude": "", "longitude": "", "reason": words["hand_later"]}
        case _:
            return None
    return {"label": words[f"instead_{code}"], "fields": fields}
