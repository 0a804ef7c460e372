"""What an attraction's pages stand on."""

from typing import Final

_OF: Final = "/portal/attraction/{organization_id}/{attraction_id}"
_DAY: Final = ("getKeptAttraction", "listSlotSales")
_CANCELLATION: Final = ("getKeptAttraction", "getSlotCancellation")
_ORDER: Final = ("getKeptAttraction", "listTicketOrdersOfOrganization")

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/portal/attraction": (),
    _OF: (*_DAY, "getVisitorDay"),
    f"{_OF}/part": (*_DAY, "getVisitorDay"),
    f"{_OF}/days": ("getKeptAttraction", "getSlotDays"),
    f"{_OF}/weeks/{{day}}": ("getKeptAttraction", "getSlotDays"),
    f"{_OF}/days/{{day}}": (*_DAY, "getSlotDays"),
    f"{_OF}/days/{{day}}/part": (*_DAY, "getSlotDays"),
    f"{_OF}/seasons": ("getKeptAttraction", "listSlotTemplates"),
    f"{_OF}/seasons/new": ("getKeptAttraction", "listTicketProducts"),
    f"{_OF}/seasons/{{template_id}}": ("getKeptAttraction", "listSlotTemplates", "listTicketProducts"),
    f"{_OF}/slots/{{slot_id}}": ("getKeptAttraction", "getTicketSlot", "getSlotLimits"),
    f"{_OF}/quotas": ("getKeptAttraction", "listTicketQuotas"),
    f"{_OF}/quotas/{{quota_id}}": ("getKeptAttraction", "listTicketQuotas", "listQuotaShares"),
    f"{_OF}/addons": ("getKeptAttraction", "listTicketAddons"),
    f"{_OF}/addons/new": ("getKeptAttraction", "listTicketAddons"),
    f"{_OF}/addons/{{addon_id}}": ("getKeptAttraction", "listTicketAddons"),
    f"{_OF}/terms": ("getKeptAttraction", "getTicketTerms"),
    f"{_OF}/cancellations": ("getKeptAttraction", "listSlotCancellations"),
    f"{_OF}/cancellations/new": ("getKeptAttraction", "previewSlotCancellation"),
    f"{_OF}/cancellations/{{cancellation_id}}": _CANCELLATION,
    f"{_OF}/cancellations/{{cancellation_id}}/part": _CANCELLATION,
    f"{_OF}/office": ("getKeptAttraction", "listOfficeShifts", "listOfficeProducts"),
    f"{_OF}/orders": _ORDER,
    f"{_OF}/orders/{{order_id}}": (*_ORDER, "getTicketOrderRecord"),
    f"{_OF}/orders/{{order_id}}/tickets.pdf": ("printOfficeTickets",),
    f"{_OF}/gates": ("getKeptAttraction", "listGateScans"),
    f"{_OF}/gates/part": ("getKeptAttraction", "listGateScans"),
    f"{_OF}/gates/{{gate_id}}": ("getKeptAttraction", "listGates"),
    f"{_OF}/products": ("listTicketProducts", "listTicketVouchers"),
    f"{_OF}/products/new": ("listTicketProducts",),
    f"{_OF}/products/{{product_id}}": ("listTicketProducts",),
    f"{_OF}/sales": ("getTicketSales",),
    f"{_OF}/edit": ("getKeptAttraction",),
    f"{_OF}/hours": ("getKeptAttraction", "listAttractionExceptions"),
}
