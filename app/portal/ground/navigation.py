"""Where a visitor can go: the few places that concern them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from app.portal.ground.visits import Visit


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the navigation: its key in the words (``nav_<key>``), its address, its picture."""

    key: str
    address: str
    is_alone: bool = False
    """Whether what lies under its address is other places."""

    def holds(self, path: str) -> bool:
        """Say whether a page belongs to it."""
        return path == self.address or (not self.is_alone and path.startswith(f"{self.address}/"))


TODAY = Place("today", "/portal/today")
ALARMS = Place("alarms", "/portal/alarms")
MESSAGES = Place("messages", "/portal/circles")
ROTA = Place("rota", "/portal/rota")
CLINIC = Place("clinic", "/portal/clinic")
DESK = Place("desk", "/portal/desk")
OPERATOR = Place("operator", "/portal/operator")
PROVIDER = Place("provider", "/portal/provider")
WORK = Place("work", "/portal/provider/mine")
ATTRACTION = Place("attraction", "/portal/attraction")
ME = Place("me", "/portal/me")
OWN = Place("own", "/me", is_alone=True)
DOSES = Place("doses", "/me/doses")
APPOINTMENTS = Place("appointments", "/me/appointments")
HELP = Place("help", "/me/help")
ROAD = Place("road", "/portal/road")
_FAMILY = (TODAY, ALARMS, MESSAGES, ROTA)


def places(visit: Visit) -> Sequence[Place]:
    """Return at most five places: so many fit a phone's width."""
    path = visit.request.url.path
    if is_own(path) or (lives_here(visit) and ME.holds(path)):
        return (OWN, DOSES, APPOINTMENTS, HELP)
    if lives_here(visit):
        return (OWN, *_FAMILY)
    return (*next(_at_work(visit), _FAMILY), ME)


def further(visit: Visit) -> Sequence[Place]:
    """Return what else concerns the visitor: whoever is somebody in several ways begins in one of them."""
    own = () if visit.actor.resident_id is None else (OWN,)
    found = dict.fromkeys((*own, *chain.from_iterable(_at_work(visit)), *_FAMILY))
    return [place for place in found if place not in places(visit)]


def home(visit: Visit) -> Place:
    """Return where the visitor begins."""
    return places(visit)[0]


def _at_work(visit: Visit) -> Iterator[Sequence[Place]]:
    """Yield the places of each work the visitor does, where they begin first; none for whoever does none."""
    kept = (
        (visit.is_operator, (DESK, TODAY, OPERATOR)),
        (visit.is_at_desk, (DESK, TODAY, ALARMS)),
        (visit.holds("coordinator", "clinician", organization_kind="clinic"), (CLINIC, TODAY, MESSAGES)),
        (visit.holds("coordinator", "worker", organization_kind="attraction"), (ATTRACTION, TODAY, MESSAGES)),
        (visit.holds("coordinator", organization_kind="provider"), (PROVIDER,)),
        (visit.holds("worker", organization_kind="provider"), (WORK, ROAD)),
        (visit.holds("coordinator", organization_kind="care_agency"), (TODAY, ALARMS, MESSAGES, PROVIDER)),
        (visit.holds("carer", organization_kind="care_agency"), (ROAD, TODAY, ALARMS, MESSAGES)),
        (visit.holds("carer", organization_kind="care_agency"), (WORK,)),  # of an agency that helps at home, too
    )
    return (found for works, found in kept if works)


def lives_here(visit: Visit) -> bool:
    """Say whether the visitor is a resident and works for nobody: their own pages come first."""
    return visit.actor.resident_id is not None and not visit.actor.memberships


def is_own(path: str) -> bool:
    """Say whether a page is one of a resident's own."""
    return path == OWN.address or path.startswith(f"{OWN.address}/")
