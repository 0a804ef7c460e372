"""What the pages of a resident's own stand on; nobody else has any of them, whatever the API answers."""

from typing import Final

_HELP: Final = ("listMyAlarms", "getSosNumbers")
_HOME: Final = (*_HELP, "listMyCheckIns", "listMyDoses", "listMyAppointments")
_ORDER: Final = ("getHomeOrder",)
_COMMAND: Final = ("getHomeCommand",)
_MESSAGES: Final = ("listMyCircleMessages", "listMyCircleReadMarks")
_THINGS: Final = ("listMyHomes",)

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/me": _HOME,
    "/me/part": _HOME,
    "/me/appointments": ("listMyAppointments",),
    "/me/doses": ("listMyDoses",),
    "/me/help": _HELP,
    "/me/help/part": _HELP,
    "/me/home": _THINGS,
    "/me/home/part": _THINGS,
    "/me/home/commands/{command_id}": _COMMAND,
    "/me/home/commands/{command_id}/part": _COMMAND,
    "/me/looked-at": ("listMyDataAccesses", "listMyGrants"),
    "/me/looked-at/grants/{grant_id}": ("changeMyGrant",),
    "/me/messages": _MESSAGES,
    "/me/messages/part": _MESSAGES,
    "/me/messages/notices": ("listMyInbox",),
    "/me/messages/notices/part": ("listMyInbox",),
    "/me/services": ("listHomeServices",),
    "/me/services/part": ("listHomeServices",),
    "/me/services/past": (),
    "/me/services/book/{service_id}": ("getHomeService",),
    "/me/services/book/{service_id}/repeat": ("getHomeService",),
    "/me/services/repeats/{series_id}/ending": ("getHomeOrderSeries",),
    "/me/services/repeats/{series_id}": ("getHomeOrderSeries",),
    "/me/services/orders/{order_id}": _ORDER,
    "/me/services/orders/{order_id}/part": _ORDER,
    "/me/services/orders/{order_id}/calling-off": _ORDER,
    "/me/services/orders/{order_id}/rating": _ORDER,
    "/me/services/orders/{order_id}/complaint": _ORDER,
    "/me/tickets": (),
    "/me/tickets/past": (),
    "/me/tickets/buy": ("listAttractions",),
    "/me/tickets/buy/{attraction_id}": ("getAttraction", "getTicketOffer"),
    "/me/tickets/codes/{ticket_id}": ("getTicketCode",),
    "/me/tickets/orders/{order_id}/giving-back": ("getTicketOrder",),
}
