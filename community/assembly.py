"""The explicit lists of help at home, of tourism and of connected homes: their routers, subscribers and jobs."""

from typing import Final

from app.core.events import Subscriber
from app.core.jobs import Job
from app.core.routing import Router
from community.attraction_days import routes as attraction_days
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
from community.home_automations import jobs as home_automation_jobs
from community.home_automations.routes import automations as home_automations
from community.home_automations.routes import scenes as home_scenes
from community.home_automations.routes import templates as home_automation_templates
from community.home_care import jobs as home_care_jobs
from community.home_care import routes as home_care
from community.home_care.service.adopting import listened
from community.home_commands import jobs as home_command_jobs
from community.home_commands import routes as home_commands
from community.home_devices import jobs as home_device_jobs
from community.home_devices import routes as home_devices
from community.home_hubs import jobs as home_hub_jobs
from community.home_hubs import routes as home_hubs
from community.home_hubs.service.calling import hub_ways
from community.home_inbox import jobs as home_inbox_jobs
from community.home_inbox.service.taking import Inbox
from community.home_panels import jobs as home_panel_jobs
from community.home_panels import routes as home_panels
from community.home_panels import subscribers as home_panel_subscribers
from community.home_states import jobs as home_state_jobs
from community.home_states import routes as home_states
from community.homes import jobs as home_jobs
from community.homes import routes as homes
from community.homes import subscribers as home_subscribers
from community.homes import views as home_views
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
from community.slot_cancellations import routes as slot_cancellations
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
    attraction_days.router,
    slot_cancellations.router,
    home_commands.router,
    home_hubs.router,
    home_panels.router,
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
    home_care.router,
    trips.router,
    trip_participations.router,
    trip_leading.router,
    home_automations.router,
    home_scenes.router,
    home_automation_templates.router,
    home_workers.router,
    own_worker_profiles.router,
    citizen_cards.router,
    tills.router,
    resellers.router,
    ticket_offers.router,
    ticket_keeping.router,
    ticket_slots.router,
    homes.router,
    home_devices.router,
    home_states.router,
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
    *home_subscribers.SUBSCRIBERS,
    *home_panel_subscribers.SUBSCRIBERS,
)

JOBS: tuple[Job, ...] = (
    *attraction_jobs.JOBS,
    *itinerary_jobs.JOBS,
    *home_command_jobs.JOBS,
    *home_panel_jobs.JOBS,
    *order_jobs.JOBS,
    *order_series_jobs.JOBS,
    *order_dispatch_jobs.JOBS,
    *complaint_jobs.JOBS,
    *ticket_order_jobs.JOBS,
    *ticket_wait_jobs.JOBS,
    *home_care_jobs.JOBS,
    *trip_jobs.JOBS,
    *home_automation_jobs.JOBS,
    *worker_jobs.JOBS,
    *citizen_card_jobs.JOBS,
    *ticket_office_jobs.JOBS,
    *home_jobs.JOBS,
    *home_inbox_jobs.JOBS,
    *home_state_jobs.JOBS,
    *home_device_jobs.JOBS,
)

GATEWAY_JOBS: tuple[Job, ...] = (
    *home_command_jobs.GATEWAY_JOBS,
    *home_hub_jobs.GATEWAY_JOBS,
    *home_panel_jobs.GATEWAY_JOBS,
    *home_care_jobs.GATEWAY_JOBS,
    *home_inbox_jobs.GATEWAY_JOBS,
)
"""What speaks to homes: run by the gateways, which have the broker."""

HOME_WAYS: Final = (hub_ways,)
"""Which homes are not reached over the broker but otherwise."""

GATEWAY_CONSUMER: Final = Inbox()
"""What stores what homes say."""
home_listened = listened
password_lines = home_views.password_lines
