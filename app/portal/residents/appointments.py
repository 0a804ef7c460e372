"""What is arranged with clinics."""

from collections.abc import Mapping
from typing import Any, Final

from app.core import clock
from app.portal.ground.moments import instant
from app.portal.ground.wording import worded
from app.portal.residents.knowing import Known

_MOST: Final = 100
_OFF: Final = ("cancelled", "noshow", "entered-in-error")


async def appointments(person: Known, _: Mapping[str, str]) -> dict[str, Any]:
    """Return what is ahead, the nearest first, and what was; raises ``Refused``."""
    found = await person.visit.api.pages(f"/v1/residents/{person.id}/appointments", _MOST)
    now = clock.now()
    shown = [{**one, "what": worded(one["visit_type"], person.visit.language)} for one in found]
    ahead = [one for one in shown if instant(one["ends_at"]) > now and one["status"] not in _OFF]
    past = [one for one in shown if one not in ahead]
    return {"ahead": list(reversed(ahead)), "past": past[:30]}
