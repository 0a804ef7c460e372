"""The explicit lists of help at home and of tourism: their routers, subscribers and jobs."""

from app.core.events import Subscriber
from app.core.jobs import Job
from app.core.routing import Router
from community.attraction_imports import routes as attraction_imports
from community.attraction_search import routes as attraction_search
from community.attractions import jobs as attraction_jobs
from community.attractions import routes as attractions
from community.attractions import subscribers as attraction_subscribers
from community.citizen_cards import jobs as citizen_card_jobs
from community.citizen_cards import routes as citizen_cards
from community.citizen_cards import subscribers as citizen_card_subscribers
from community.complaints import jobs as complaint_jobs
from community.complaints import routes as complaints
from community.gates import routes as gates
from community.housekeeping import routes as housekeeping
from community.itineraries import jobs as itinerary_jobs
from community.itineraries import routes as itineraries
from community.itineraries import subscribers as itinerary_subscribers
from community.order_dispatch import jobs as order_dispatch_jobs
from community.order_dispatch import routes as order_dispatch
from community.order_dispatch import subscribers as order_dispatch_subscribers
from community.order_series import jobs as order_series_jobs
from community.order_series import routes as order_series
from community.order_series import subscribers as order_series_subscribers
from community.orders import jobs as order_jobs
from community.orders import subscribers as order_subscribers
from community.orders.routes import providers as order_providers
from community.orders.routes import residents as resident_orders
from community.orders.routes import work as order_work
from community.quality import routes as provider_quality
from community.ratings import routes as ratings
from community.ticket_codes import routes as ticket_codes
from community.ticket_office import jobs as ticket_office_jobs
from community.ticket_office import subscribers as ticket_office_subscribers
from community.ticket_office.routes import resellers, tills
from community.ticket_orders import jobs as ticket_order_jobs
from community.ticket_orders import subscribers as ticket_order_subscribers
from community.ticket_orders.routes import organizations as sold_tickets
from community.ticket_orders.routes import residents as resident_tickets
from community.ticket_waitlist import jobs as ticket_wait_jobs
from community.ticket_waitlist import routes as ticket_waits
from community.ticket_waitlist import subscribers as ticket_wait_subscribers
from community.ticketing import subscribers as ticketing_subscribers
from community.ticketing.routes import keeping as ticket_keeping
from community.ticketing.routes import public as ticket_offers
from community.ticketing.routes import slots as ticket_slots
from community.tips import routes as tips
from community.tips import subscribers as tip_subscribers
from community.trips import jobs as trip_jobs
from community.trips import subscribers as trip_subscribers
from community.trips.routes import leading as trip_leading
from community.trips.routes import participations as trip_participations
from community.trips.routes import trips
from community.vouchers import routes as vouchers
from community.workers import jobs as worker_jobs
from community.workers import subscribers as worker_subscribers
from community.workers.routes import own as own_worker_profiles
from community.workers.routes import workers as home_workers

ROUTERS: tuple[Router, ...] = (
    attraction_search.router,
    attractions.router,
    attraction_imports.router,
    housekeeping.router,
    itineraries.router,
    order_dispatch.router,
    resident_orders.router,
    order_series.router,
    order_providers.router,
    order_work.router,
    ratings.router,
    complaints.router,
    tips.router,
    provider_quality.router,
    ticket_codes.router,
    gates.router,
    resident_tickets.router,
    sold_tickets.router,
    ticket_waits.router,
    vouchers.router,
    trips.router,
    trip_participations.router,
    trip_leading.router,
    home_workers.router,
    own_worker_profiles.router,
    citizen_cards.router,
    tills.router,
    resellers.router,
    ticket_offers.router,
    ticket_keeping.router,
    ticket_slots.router,
)

SUBSCRIBERS: tuple[Subscriber, ...] = (
    *attraction_subscribers.SUBSCRIBERS,
    *itinerary_subscribers.SUBSCRIBERS,
    *order_subscribers.SUBSCRIBERS,
    *order_series_subscribers.SUBSCRIBERS,
    *order_dispatch_subscribers.SUBSCRIBERS,
    *tip_subscribers.SUBSCRIBERS,
    *ticket_order_subscribers.SUBSCRIBERS,
    *ticket_wait_subscribers.SUBSCRIBERS,
    *trip_subscribers.SUBSCRIBERS,
    *worker_subscribers.SUBSCRIBERS,
    *ticketing_subscribers.SUBSCRIBERS,
    *citizen_card_subscribers.SUBSCRIBERS,
    *ticket_office_subscribers.SUBSCRIBERS,
)

JOBS: tuple[Job, ...] = (
    *attraction_jobs.JOBS,
    *itinerary_jobs.JOBS,
    *order_jobs.JOBS,
    *order_series_jobs.JOBS,
    *order_dispatch_jobs.JOBS,
    *complaint_jobs.JOBS,
    *ticket_order_jobs.JOBS,
    *ticket_wait_jobs.JOBS,
    *trip_jobs.JOBS,
    *worker_jobs.JOBS,
    *citizen_card_jobs.JOBS,
    *ticket_office_jobs.JOBS,
)
