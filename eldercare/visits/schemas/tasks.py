"""The tasks of a visit as they are kept: sealed, as they were agreed when it was planned."""

import orjson

from app.core.sealing import unseal
from eldercare.visits.models import TASKS
from eldercare.visits.schemas.plans import ItemPublic


def tasks_of_visit(sealed: str | None) -> list[ItemPublic]:
    """Return what is to be done at a visit; nothing once it was erased."""
    if sealed is None:
        return []
    return [ItemPublic.model_validate(task) for task in orjson.loads(unseal(sealed, TASKS))]
