"""The routers of an attraction's pages."""

from typing import Final

from app.core.routing import Router
from app.portal.attraction import (
    calendar,
    cancelling,
    days,
    editing,
    extras,
    gates,
    office,
    orders,
    quotas,
    seasons,
    selling,
)

ROUTERS: Final[tuple[Router, ...]] = (
    days.router,
    cancelling.router,
    office.router,
    orders.router,
    gates.router,
    selling.router,
    seasons.router,
    calendar.router,
    quotas.router,
    extras.router,
    editing.router,
)
