"""Carers on the road: today's way, each visit on it, and what is done there, with a network or without."""

from typing import Final

from app.core.routing import Router
from app.portal.road import installing, orders, posting, routes

ROUTERS: Final[tuple[Router, ...]] = (
    routes.router,
    posting.router,
    orders.router,
    installing.router,
)
