"""What the operator's pages share: what was refused and where, and asking once more, in the operator's words."""

from collections.abc import Sequence

from fastapi.responses import HTMLResponse

from app.portal.ground import changing
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Question, Wrong
from app.portal.ground.visits import Visit
from app.portal.operator.texts import WORDS

__all__ = ["FINE", "Wrong", "ask_once_more", "wrong"]


def wrong(visit: Visit, refused: Refused) -> Wrong:
    """Return what a page says of a refusal; raises it again where that is no matter of what was filled in."""
    return changing.wrong(visit, refused, WORDS)


def ask_once_more(
    visit: Visit,
    tab: str,
    key: str,
    action: str,
    back: str,
    *,
    refused: Wrong = FINE,
    carried: Sequence[tuple[str, str]] = (),
    template: str = "operator/confirm.html",
    **about: str,
) -> HTMLResponse:
    """Return the page that asks once more before something is done that cannot simply be undone."""
    question = Question(key, action, back, refused, carried, about)
    return changing.ask_once_more(visit, template, WORDS, question, tab=tab)
