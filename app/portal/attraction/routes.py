"""The routers of an attraction's pages."""

from typing import Final

from app.core.routing import Router
from app.portal.attraction import cancelling, days, editing, gates, office, seasons, selling

ROUTERS: Final[tuple[Router, ...]] = (
    days.router,
    cancelling.router,
    office.router,
    gates.router,
    selling.router,
    seasons.router,
    editing.router,
)
