"""When something was done that reaches us later: a form that waited on a device says so, within bounds."""

from datetime import datetime, timedelta
from typing import Final

from app.core import clock
from app.core.idempotency import WAITS_FOR
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form

FIELD: Final = "given_at"
OLDEST: Final = WAITS_FOR
"""How long something can have waited: what is older is asked again, as it says little of now."""
AHEAD: Final = timedelta(minutes=2)
"""By how much a device's clock may be fast; it has been set by ours, but not to the second."""


def given_at(form: Form, oldest: timedelta = OLDEST) -> datetime | None:
    """Return when the form was pressed, ``None`` for just now (a browser sends a form the moment it is pressed).

    Raises ``Refused`` (422) for what is no instant, ahead of us or too long ago: it is not passed off as another.
    """
    text = form.text(FIELD, 40)
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    now = clock.now()
    if given is None or given.tzinfo is None or not now - oldest <= given <= now + AHEAD:
        raise Refused(422, {"code": "given_too_long_ago", "status": 422})
    return None if given > now else given
