"""What changes the open pages of a company's desk: its own orders, whatever it may see of the resident."""

from uuid import UUID

from app.core import clock
from app.core.access import Actor, Membership
from app.identity.api import Reach
from app.portal.live.listeners import Rights
from app.portal.live.topics import Changes, Fact, change_of

COMPANY, ANOTHER, PLACE = clock.new_id(), clock.new_id(), clock.new_id()
NOBODY = Reach(own=None, residents={}, communities={})


def _fact(name: str, organization_id: UUID) -> Fact:
    payload = {"resident_id": str(clock.new_id()), "organization_id": str(organization_id)}
    return Fact(name, clock.new_id(), PLACE, payload)


def _keeper(role: str = "coordinator") -> Rights:
    actor = Actor("account", clock.new_id(), PLACE, memberships=(Membership(COMPANY, "provider", role),))
    return Rights.of(actor, NOBODY)


def _heard(rights: Rights, *facts: Fact) -> frozenset[str]:
    return rights.topics(Changes(change for fact in facts if (change := change_of(fact))), clock.now())


def test_a_companys_desk_hears_of_its_own_orders_and_of_no_others() -> None:
    own = _fact("community.order_assigned.v1", COMPANY)
    assert _heard(_keeper(), own) == {f"orders:{COMPANY}"}
    assert _heard(_keeper(), _fact("community.order_assigned.v1", ANOTHER)) == set()
    assert _heard(_keeper(), own, _fact("community.order_cancelled.v1", ANOTHER)) == {f"orders:{COMPANY}"}


def test_whoever_goes_to_homes_hears_nothing_of_the_desks_topic() -> None:
    assert _heard(_keeper("worker"), _fact("community.order_assigned.v1", COMPANY)) == set()


def test_what_is_no_order_changes_no_companys_page() -> None:
    assert _heard(_keeper(), _fact("community.trip_booked.v1", COMPANY)) == set()
