"""What the pages of a provider of help at home stand on, and those of whoever goes to homes."""

from typing import Final

_OF: Final = "/portal/provider/{organization_id}"
_WORK: Final = "/portal/provider/mine"
_TASKS: Final = ("listMyHomeOrders", "listMyHomeOrderOffers")
_ORDER: Final = ("getHomeOrder", "getHomeOrderCustomer", "listOrderBoard")

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/portal/provider": (),
    _WORK: _TASKS,
    f"{_WORK}/part": _TASKS,
    f"{_WORK}/times": ("listMyWorkerProfiles",),
    f"{_WORK}/ratings": ("getMyRatings",),
    f"{_WORK}/orders/{{order_id}}": ("getHomeOrder", "getHomeOrderDoor"),
    f"{_WORK}/orders/{{order_id}}/part": ("getHomeOrder", "getHomeOrderDoor"),
    _OF: ("listOrderBoard", "listServiceOffers"),
    f"{_OF}/part": ("listOrderBoard", "listServiceOffers"),
    f"{_OF}/orders/{{order_id}}": _ORDER,
    f"{_OF}/orders/{{order_id}}/part": _ORDER,
    f"{_OF}/plan": ("getWorkerDays", "listHomeServices"),
    f"{_OF}/plan/part": ("getWorkerDays", "listHomeServices"),
    f"{_OF}/people": ("listWorkers", "getWorkerDays"),
    f"{_OF}/people/{{worker_id}}": ("getWorker", "listWorkerSkills", "listWorkerExceptions"),
    f"{_OF}/ratings": ("getProviderRatings", "getProviderQuality"),
    f"{_OF}/complaints": ("listProviderComplaints",),
    f"{_OF}/complaints/{{order_id}}": ("getHomeOrder", "getHomeOrderComplaint", "listProviderComplaints"),
    f"{_OF}/statements": ("listPayoutBalances", "listOrganizationTransfers", "listOrganizationDisputes"),
    f"{_OF}/statements/payouts/{{transfer_id}}": ("getTransfer",),
    f"{_OF}/statements/{{month}}": ("getProviderStatement",),
    f"{_OF}/statements/{{month}}.csv": ("getProviderStatement",),
    f"{_OF}/statements/{{month}}.pdf": ("printProviderStatement",),
}
