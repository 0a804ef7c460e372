"""The routers of the resident's pages beyond the first one."""

from typing import Final

from app.core.routing import Router
from app.portal.resident_life import buying, home, looked_at, messages, orders, proving, recurring, services, tickets

ROUTERS: Final[tuple[Router, ...]] = tuple(
    module.router for module in (orders, recurring, services, buying, tickets, proving, home, messages, looked_at)
)
