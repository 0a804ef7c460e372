"""What other packages, and features beside each other, may do with the community's services: who could go to a home.

An order is given to somebody in one unit of work: ``workers_for`` says who could go, ``engage`` keeps whoever is chosen
from being suspended meanwhile and returns their calendar, and ``app.reservations.api.take`` takes of it. What
``community.events`` tells of workers is at odds with orders ahead: ``workers_for`` with ``account_ids`` says whether
somebody still could go.
"""

from community.home_automations.service.hearing import hear_care as home_event
from community.home_panels.schemas import Ahead
from community.home_panels.service import forget_panels
from community.home_panels.service import show as show_on_panels
from community.home_panels.views import with_panels
from community.home_places.views import noticed_where
from community.homes.service.setting_up import end_homes, forget_homes
from community.housekeeping.access import offer_terms
from community.housekeeping.problems import NotOfferedSo
from community.order_dispatch.service.composing import hold_orders, orders_to_plan, send_to_order
from community.order_series.service.pausing import Away, follow_absences
from community.orders.access import require_order, require_orderer
from community.orders.problems import HomeNotOnMap, OrderExists, PriceChanged
from community.orders.rules import OLDEST_REPORT as OLDEST_ORDER_REPORT
from community.orders.rules import REFERENCE as ORDER_REFERENCE
from community.orders.schemas.given import OrderCancel, OrderCreate, OrderTerms
from community.orders.schemas.shown import OrderDetail, OrderPublic
from community.orders.service.absent import Absent, follow_absent
from community.orders.service.assigning import assign as assign_order
from community.orders.service.cancelling import call_off_in_time
from community.orders.service.cancelling import cancel as cancel_order
from community.orders.service.changing import By
from community.orders.service.following import tell_away
from community.orders.service.placing import Occurrence
from community.orders.service.placing import place as place_order
from community.orders.service.telling import waiting_for
from community.orders.views.details import detail as order_for
from community.orders.views.details import order_times
from community.trips.access import require_joiner
from community.trips.problems import (
    AlreadySignedUp,
    NoVolunteer,
    OnAnotherTrip,
    SignUpOver,
    TripFull,
    TripNotOpen,
    TripPriceChanged,
)
from community.trips.schemas import ParticipationDetail, SignUpTerms
from community.trips.service.composing import companions_gone
from community.trips.service.composing import tell_found as tell_found_on_trip
from community.trips.service.composing import tell_missing as tell_missing_on_trip
from community.trips.service.joining import accompany as accompany_on_trip
from community.trips.service.joining import join as join_trip
from community.trips.views.participations import after_change as participation_for
from community.trips.views.trips import course as trip_course
from community.workers.problems import WorkerUnavailable
from community.workers.rules import Circle, Sex, Vehicle, WorkerDay
from community.workers.service.engaging import engage
from community.workers.views.days import worker_of as require_worker
from community.workers.views.days import workers_for

__all__ = [
    "OLDEST_ORDER_REPORT",
    "ORDER_REFERENCE",
    "Absent",
    "Ahead",
    "AlreadySignedUp",
    "Away",
    "By",
    "Circle",
    "HomeNotOnMap",
    "NoVolunteer",
    "NotOfferedSo",
    "Occurrence",
    "OnAnotherTrip",
    "OrderCancel",
    "OrderCreate",
    "OrderDetail",
    "OrderExists",
    "OrderPublic",
    "OrderTerms",
    "ParticipationDetail",
    "PriceChanged",
    "Sex",
    "SignUpOver",
    "SignUpTerms",
    "TripFull",
    "TripNotOpen",
    "TripPriceChanged",
    "Vehicle",
    "WorkerDay",
    "WorkerUnavailable",
    "accompany_on_trip",
    "assign_order",
    "call_off_in_time",
    "cancel_order",
    "companions_gone",
    "end_homes",
    "engage",
    "follow_absences",
    "follow_absent",
    "forget_homes",
    "forget_panels",
    "hold_orders",
    "home_event",
    "join_trip",
    "noticed_where",
    "offer_terms",
    "order_for",
    "order_times",
    "orders_to_plan",
    "participation_for",
    "place_order",
    "require_joiner",
    "require_order",
    "require_orderer",
    "require_worker",
    "send_to_order",
    "show_on_panels",
    "tell_away",
    "tell_found_on_trip",
    "tell_missing_on_trip",
    "trip_course",
    "waiting_for",
    "with_panels",
    "workers_for",
]
