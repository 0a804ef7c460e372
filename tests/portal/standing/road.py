"""What the pages of carers on the road stand on."""

from typing import Final

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/portal/outbox/person": (),
    "/portal/road": ("listMyVisits", "listMyHomeOrders"),
    "/portal/road/part": ("listMyVisits", "listMyHomeOrders"),
    "/portal/road/door": ("listMyVisits",),
    "/portal/road/visits/{visit_id}": ("getVisit", "listMyVisits"),
    "/portal/road/visits/{visit_id}/part": ("getVisit", "listMyVisits"),
    "/portal/road/orders/{order_id}": ("getHomeOrder",),
}
