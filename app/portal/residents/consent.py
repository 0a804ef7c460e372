"""What is shared with whom in plain words: what a visitor may see and why; for the resident, who may see what."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from app.portal.residents.knowing import Known

_MANAGE: Final = "grants:manage"
_MOST: Final = 100
_LOOKS: Final = 30


async def consent(person: Known, _: Mapping[str, str]) -> dict[str, Any]:
    """Return the visitor's own grounds and, for whoever decides here, all grants and who looked; raises ``Refused``."""
    grants, looks = await asyncio.gather(
        person.items_if(_MANAGE, "grants", limit=_MOST), person.items_if(_MANAGE, "data-accesses", limit=_LOOKS)
    )
    return {
        "own": [] if person.is_self else person.grounds,
        "decides": person.may(_MANAGE),
        "can_revoke": person.may_write(_MANAGE),
        "grants": grants,
        "looks": looks,
    }
