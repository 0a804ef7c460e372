"""The operator's pages, all of them."""

from typing import Final

from app.core.routing import Router
from app.portal.operator import (
    audit,
    broadcasts,
    dashboard,
    deliveries,
    imports,
    organizations,
    parked,
    plans,
    residents,
    settings,
)

ROUTERS: Final[tuple[Router, ...]] = tuple(
    module.router
    for module in (
        dashboard,
        residents,
        imports,
        organizations,
        plans,
        broadcasts,
        parked,
        deliveries,
        audit,
        settings,
    )
)
