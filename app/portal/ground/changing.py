"""Asking the API for what a form says, what the form's page says where it is refused, and asking once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.responses import HTMLResponse

from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form
from app.portal.ground.pages import Words, show, words_of
from app.portal.ground.visits import Visit

_CONFLICT: Final = 409


@dataclass(frozen=True, slots=True)
class Change:
    """What a form asks of the API."""

    method: str
    path: str
    body: Any = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing was changed, for the page the form stands on."""

    status: int
    said: str
    refusal: Refused


async def changed(visit: Visit, form: Form, change: Change, words: Words) -> Trouble | None:
    """Ask for ``change``, once however often the form is pressed; return why it was refused, ``None`` if it was not.

    Raises ``Refused`` where the form's page has nothing to say of it.
    """
    headers = {} if change.version is None else {"if-match": f'"{change.version}"'}
    try:
        await visit.api.ask(change.method, change.path, change.body, headers=headers, key=form.key)
    except Refused as refusal:
        return trouble_of(visit, refusal, words)
    return None


def trouble_of(visit: Visit, refusal: Refused, words: Words) -> Trouble:
    """Return what a page says of a refusal; raises it again where there is nothing to say.

    A feature has words for what it expects (``trouble_<code>``); that somebody was quicker every page can say.
    """
    said = words[visit.language].get(f"trouble_{refusal.code}")
    if said is None and refusal.status == _CONFLICT:
        said = words_of(words, visit.language)[f"trouble_{_CONFLICT}"]
    if said is None:
        raise refusal
    visit.request.state.trouble_said = said  # for a script that has no use for the page
    return Trouble(refusal.status, said, refusal)


def show_with(visit: Visit, template: str, words: Words, trouble: Trouble | None = None, **values: Any) -> HTMLResponse:
    """Return a page; with ``trouble`` it says why nothing was done (``trouble_said``), under the refusal's status."""
    status, said = (trouble.status, trouble.said) if trouble else (200, "")
    return show(visit, template, words, status=status, trouble_said=said, **values)


SHOWN_AGAIN: Final = frozenset({400, 404, 409, 412, 413, 415, 422, 428})
"""What was refused with these is told on the page it was asked from; anything else is a page of its own."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What was refused: a sentence for the page, and what is wrong by the field it points to."""

    text: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    def at(self, *names: str) -> str:
        """Return what is wrong with a field, by whichever of its names, or empty."""
        return next((self.fields[name] for name in names if name in self.fields), "")

    def beside(self, shown: Sequence[str]) -> list[str]:
        """Return what is wrong with fields that are not among those the page shows."""
        return [f"{name}: {text}" if name else text for name, text in self.fields.items() if name not in shown]


FINE: Final = Wrong()


def wrong(visit: Visit, refused: Refused, words: Words) -> Wrong:
    """Return what a page says of a refusal; raises it again where that is no matter of what was filled in.

    A feature has words for what it expects: ``problem_<code>`` or ``problem_<status>``, and for whoever does not read
    English ``wrong_<field>``, or ``wrong_field`` where there is none.
    """
    if refused.status not in SHOWN_AGAIN:
        raise refused
    known = words[visit.language]
    text = known.get(f"problem_{refused.code}") or known[f"problem_{refused.status}"]
    said = {_field(error["pointer"]): error["detail"] for error in refused.problem.get("errors", ())}
    if visit.language != "en":
        # The API's own sentences are English: whoever reads another language is told which field it is.
        said = {name: known.get(f"wrong_{name}", known["wrong_field"]) for name in said}
    return Wrong(text, said, refused.status)


def _field(pointer: str) -> str:
    """Return the field a pointer names: ``/body/steps/0/wait_seconds`` is ``steps.0.wait_seconds``."""
    return ".".join(pointer.split("/")[2:])


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked once more before something is done that cannot simply be undone.

    ``key`` names its words: ``ask_<key>``, ``ask_<key>_why`` and ``ask_<key>_yes``, written with ``about``. To
    ``action`` a yes goes, with the fields it carries; ``back`` is where a no leads.
    """

    key: str
    action: str
    back: str
    refused: Wrong = FINE
    carried: Sequence[tuple[str, str]] = ()
    about: Mapping[str, str] = field(default_factory=dict)


def ask_once_more(visit: Visit, template: str, words: Words, question: Question, **values: Any) -> HTMLResponse:
    """Return the page that asks a question once more."""
    known, key, about = words[visit.language], question.key, question.about
    return show(
        visit,
        template,
        words,
        status=question.refused.status,
        question=known[f"ask_{key}"].format(**about),
        consequence=known[f"ask_{key}_why"].format(**about),
        yes=known[f"ask_{key}_yes"].format(**about),
        action=question.action,
        back=question.back,
        carried=question.carried,
        wrong=question.refused,
        about=about,
        **values,
    )
