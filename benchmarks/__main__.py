"""``python -m benchmarks [name[=size] …]``: run the benchmarks, all or those named, and print their tables.

``size`` is how many people or rows it is about, where a benchmark has such a number.
"""

import sys
from collections.abc import Callable

from benchmarks import (
    appointments,
    booking,
    broadcast,
    critical,
    doses,
    fanout,
    fhir,
    gates,
    growth,
    home_care,
    home_hazards,
    home_states,
    http,
    ledger,
    orders,
    past,
    payments,
    place,
    planning,
    portal_live,
    portal_pages,
    portal_today,
    rush,
    seasons,
    slots,
    sos,
    storm,
    ticket_rush,
    vitals,
)

ALL: dict[str, Callable[..., None]] = {
    "booking": booking.run,
    "appointments": appointments.run,
    "orders": orders.run,
    "fhir": fhir.run,
    "rush": rush.run,
    "slots": slots.run,
    "seasons": seasons.run,
    "storm": storm.run,
    "ticket_rush": ticket_rush.run,
    "gates": gates.run,
    "broadcast": broadcast.run,
    "fanout": fanout.run,
    "critical": critical.run,
    "sos": sos.run,
    "http": http.run,
    "growth": growth.run,
    "doses": doses.run,
    "vitals": vitals.run,
    "home_care": home_care.run,
    "home_states": home_states.run,
    "home_hazards": home_hazards.run,
    "past": past.run,
    "payments": payments.run,
    "planning": planning.run,
    "portal_today": portal_today.run,
    "ledger": ledger.run,
    "portal_live": portal_live.run,
    "portal_pages": portal_pages.run,
}


def main() -> None:
    """Run what was asked for; an unknown name lists the known ones."""
    wanted = [argument.partition("=") for argument in sys.argv[1:] or ALL]
    unknown = [name for name, _, _ in wanted if name not in ALL]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(ALL)}")
    with place.server() as server:
        for name, _, size in wanted:
            ALL[name](server, *([int(size)] if size else []))


if __name__ == "__main__":
    main()
