"""The SQL that says who looks on as whom at this moment."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import fetch_row
from app.identity.viewing.access import MAY_BE_VIEWED
from app.identity.viewing.schemas import Viewing

# All of it is asked at each request: who is no operator any more, or has no second factor, sees nothing more.
_CURRENT: Final = f"""
    SELECT v.id, v.viewer_id, v.account_id, a.name, a.time_zone, v.started_at, v.ends_at
    FROM identity_viewing v
    JOIN identity_session s ON s.id = v.session_id AND s.account_id = v.viewer_id
        AND s.revoked_at IS NULL AND s.expires_at > $3 AND s.second_factor_at IS NOT NULL
    JOIN identity_account viewer ON viewer.id = v.viewer_id AND viewer.state = 'active'
    JOIN identity_account a ON a.id = v.account_id AND a.state = 'active' AND a.community_id = viewer.community_id
    WHERE v.session_id = $1 AND v.viewer_id = $2 AND v.ended_at IS NULL AND v.ends_at > $3
      AND ($4::uuid IS NULL OR v.id = $4)
      AND EXISTS (
        SELECT FROM identity_membership m JOIN identity_organization o ON o.id = m.organization_id
        WHERE m.account_id = viewer.id AND m.ended_at IS NULL AND m.role = 'operator' AND o.kind = 'operator'
          AND o.community_id = viewer.community_id
      )
      AND {MAY_BE_VIEWED}
"""  # noqa: S608 - a text of ours


async def current(
    connection: AsyncConnection,
    session_id: uuid.UUID,
    viewer_id: uuid.UUID,
    now: datetime,
    viewing_id: uuid.UUID | None = None,
) -> Viewing | None:
    """Return as whom somebody looks on in a session, ``None`` if as nobody (any more, or in another viewing)."""
    row: Any = await fetch_row(connection, _CURRENT, session_id, viewer_id, now, viewing_id)
    return Viewing(*row) if row is not None else None
