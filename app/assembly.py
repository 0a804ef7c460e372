"""The explicit lists: which routers, subscribers and jobs Hearthline is made of, and who authenticates."""

import importlib

from app.billing import assembly as billing
from app.core import audit_chain, idempotency, rate_limits, retention
from app.core.access import install_authenticator
from app.core.events import Subscriber, install_subscribers
from app.core.jobs import Job
from app.core.lag import MEASURE_JOB
from app.core.parked_rows import RETRY_JOB
from app.core.partitions import PARTITIONS_JOB
from app.core.relay import RELAY_JOBS
from app.core.routing import Router
from app.fhir import export_routes as fhir_exports
from app.fhir import jobs as fhir_jobs
from app.fhir import routes as fhir
from app.fhir import subscribers as fhir_subscribers
from app.identity.audit_entries import routes as audit_entries
from app.identity.authenticator import IdentityAuthenticator
from app.identity.browser_sessions import jobs as browser_session_jobs
from app.identity.clients import routes as clients
from app.identity.closing import routes as closing
from app.identity.communities import routes as communities
from app.identity.consent import routes as consent
from app.identity.data_accesses import routes as data_accesses
from app.identity.importing import routes as importing
from app.identity.installations import routes as installations
from app.identity.organizations import jobs as organization_jobs
from app.identity.organizations import routes as organizations
from app.identity.own_access import routes as own_access
from app.identity.pairing import jobs as pairing_jobs
from app.identity.pairing import routes as pairing
from app.identity.people import routes as people
from app.identity.second_factor import jobs as second_factor_jobs
from app.identity.second_factor import routes as second_factor
from app.identity.sessions import jobs as session_jobs
from app.identity.sessions import routes as sessions
from app.identity.sessions import subscribers as session_subscribers
from app.identity.sign_in import jobs as sign_in_jobs
from app.identity.sign_in import routes as sign_in
from app.identity.sign_in import subscribers as sign_in_subscribers
from app.identity.smart import jobs as smart_jobs
from app.identity.smart import routes as smart
from app.identity.smart import subscribers as smart_subscribers
from app.identity.viewing import routes as viewing
from app.media import jobs as media_jobs
from app.media import routes as media
from app.policies.journeys.changes import routes as changes
from app.policies.journeys.closing import routes as closing_journey
from app.policies.journeys.companions import routes as companions
from app.policies.journeys.companions import subscribers as companion_subscribers
from app.policies.journeys.day_plans import jobs as day_plan_jobs
from app.policies.journeys.day_plans import routes as day_plans
from app.policies.journeys.day_plans import subscribers as day_plan_subscribers
from app.policies.journeys.erasure import jobs as erasure_jobs
from app.policies.journeys.erasure import routes as erasure
from app.policies.journeys.escorts import routes as escorts
from app.policies.journeys.escorts import subscribers as escort_subscribers
from app.policies.journeys.export import routes as export
from app.policies.journeys.home_panels import subscribers as home_panel_subscribers
from app.policies.journeys.operations import routes as operations
from app.policies.journeys.referrals import routes as referral_vitals
from app.policies.journeys.regimens import routes as regimen_journeys
from app.policies.journeys.replies import routes as replies
from app.policies.journeys.timeline import routes as timeline
from app.policies.reactions.absences import subscribers as absence_reactions
from app.policies.reactions.carer_absences import subscribers as carer_absence_reactions
from app.policies.reactions.home_automations import subscribers as home_automation_reactions
from app.policies.reactions.home_help import subscribers as home_help_reactions
from app.policies.reactions.home_watch import subscribers as home_watch_reactions
from app.policies.reactions.prescriptions import subscribers as prescription_reactions
from app.policies.reactions.trips import subscribers as trip_reactions
from app.policies.reactions.webhooks import subscribers as webhook_subscribers
from app.portal import assembly as portal
from app.portal.demo import routes as falls
from app.reservations import jobs as reservation_jobs
from app.table_modules import TABLE_MODULES
from community import assembly as community
from community.home_commands.service.reaching import install_ways
from eldercare.alarms import routes as alarms
from eldercare.care_circle import routes as care_circle
from eldercare.care_circle import subscribers as care_circle_subscribers
from eldercare.check_ins import jobs as check_in_jobs
from eldercare.check_ins import routes as check_ins
from eldercare.check_ins import subscribers as check_in_subscribers
from eldercare.drills import routes as drills
from eldercare.duty_desk import routes as duty_desk
from eldercare.escalation import routes as escalation
from eldercare.home_help import subscribers as home_help_subscribers
from eldercare.ladders import jobs as ladder_jobs
from eldercare.ladders import subscribers as ladder_subscribers
from eldercare.medication import jobs as medication_jobs
from eldercare.medication import routes as medication
from eldercare.medication import subscribers as medication_subscribers
from eldercare.messages import routes as circle_messages
from eldercare.overview import routes as care_overview
from eldercare.progress import routes as progress
from eldercare.proxies import routes as proxies
from eldercare.proxies import subscribers as proxy_subscribers
from eldercare.regimen_proposals import jobs as regimen_proposal_jobs
from eldercare.regimen_proposals import routes as regimen_proposals
from eldercare.regimen_proposals import subscribers as regimen_proposal_subscribers
from eldercare.response import routes as response
from eldercare.rota import jobs as rota_jobs
from eldercare.rota import routes as rota
from eldercare.rota import subscribers as rota_subscribers
from eldercare.safe_zones import jobs as safe_zone_jobs
from eldercare.safe_zones import routes as safe_zones
from eldercare.safe_zones import subscribers as safe_zone_subscribers
from eldercare.shifts import jobs as shift_jobs
from eldercare.shifts import routes as shifts
from eldercare.signals import subscribers as signal_subscribers
from eldercare.sos import routes as sos
from eldercare.timeline import jobs as timeline_jobs
from eldercare.timeline import subscribers as timeline_subscribers
from eldercare.visits import jobs as visit_jobs
from eldercare.visits import subscribers as visit_subscribers
from eldercare.visits.routes import absences as carer_absences
from eldercare.visits.routes import agencies as visit_agencies
from eldercare.visits.routes import goals as visit_goals
from eldercare.visits.routes import plans as visit_plans
from eldercare.visits.routes import tolerances as visit_tolerances
from eldercare.visits.routes import visits
from eldercare.visits.routes import work as visit_work
from eldercare.vitals import jobs as vital_jobs
from eldercare.vitals import routes as vitals
from eldercare.vitals import subscribers as vital_subscribers
from eldercare.wellbeing import jobs as wellbeing_jobs
from eldercare.wellbeing import routes as wellbeing
from eldercare.wellbeing import subscribers as wellbeing_subscribers
from notifications.account import subscribers as account_subscribers
from notifications.api import install_attachments, install_composers
from notifications.attempts import routes as attempts
from notifications.broadcasts import jobs as broadcast_jobs
from notifications.broadcasts import routes as broadcasts
from notifications.callbacks import jobs as callback_jobs
from notifications.callbacks import routes as callbacks
from notifications.caps import jobs as cap_jobs
from notifications.delivery import subscribers as delivery_subscribers
from notifications.digests import jobs as digest_jobs
from notifications.digests import subscribers as digest_subscribers
from notifications.inbox import routes as inbox
from notifications.operations import jobs as delivery_operation_jobs
from notifications.operations import routes as delivery_operations
from notifications.outbox import routes as outbox
from notifications.preferences import routes as preferences
from notifications.previews import routes as previews
from notifications.receipts import jobs as receipt_jobs
from notifications.receipts import routes as receipts
from notifications.sending import jobs as sending_jobs
from notifications.unsubscribing import routes as unsubscribing
from notifications.webhooks import jobs as webhook_jobs
from notifications.webhooks import routes as webhooks
from telemedicine import assembly as telemedicine
from telemedicine.appointments.views.appointments import visits as booked_visits
from telemedicine.clinics.views.visits import install_visits

SCHEMA_REVISION = "0079"
"""The newest revision of the migrations: a process on another schema says that it is not ready."""

ROUTERS: tuple[Router, ...] = (
    sessions.well_known_router,
    sessions.router,
    sign_in.router,
    installations.router,
    pairing.router,
    clients.router,
    smart.well_known_router,
    smart.router,
    second_factor.router,
    viewing.router,
    communities.router,
    people.router,
    consent.router,
    own_access.router,
    data_accesses.router,
    audit_entries.router,
    media.router,
    organizations.router,
    closing.router,
    importing.router,
    inbox.router,
    callbacks.router,
    replies.callback_router,
    preferences.router,
    unsubscribing.router,
    receipts.router,
    attempts.router,
    delivery_operations.router,
    operations.router,
    webhooks.router,
    broadcasts.router,
    previews.router,
    check_ins.router,
    sos.router,
    alarms.router,
    care_overview.router,
    response.router,
    progress.router,
    care_circle.router,
    rota.router,
    circle_messages.router,
    proxies.router,
    escalation.router,
    medication.router,
    regimen_proposals.router,
    regimen_journeys.router,
    vitals.router,
    visit_plans.router,
    visit_goals.router,
    visit_tolerances.router,
    carer_absences.router,
    visits.router,
    visit_work.router,
    visit_agencies.router,
    duty_desk.router,
    shifts.router,
    drills.router,
    safe_zones.router,
    wellbeing.router,
    *telemedicine.ROUTERS,
    referral_vitals.router,
    *billing.ROUTERS,
    *community.ROUTERS,
    day_plans.router,
    escorts.router,
    companions.router,
    closing_journey.router,
    erasure.router,
    export.router,
    changes.router,
    timeline.router,
    *portal.ROUTERS,
    fhir_exports.router,
    fhir.router,
)

DEMO_ROUTERS: tuple[Router, ...] = (outbox.router, replies.router, falls.router, *billing.DEMO_ROUTERS)
"""Mounted everywhere but in production."""

SUBSCRIBERS: tuple[Subscriber, ...] = (
    *session_subscribers.SUBSCRIBERS,
    *smart_subscribers.SUBSCRIBERS,
    *sign_in_subscribers.SUBSCRIBERS,
    *account_subscribers.SUBSCRIBERS,
    *delivery_subscribers.SUBSCRIBERS,
    *digest_subscribers.SUBSCRIBERS,
    *check_in_subscribers.SUBSCRIBERS,
    *care_circle_subscribers.SUBSCRIBERS,
    *safe_zone_subscribers.SUBSCRIBERS,
    *ladder_subscribers.SUBSCRIBERS,
    *signal_subscribers.SUBSCRIBERS,
    *home_help_subscribers.SUBSCRIBERS,
    *medication_subscribers.SUBSCRIBERS,
    *regimen_proposal_subscribers.SUBSCRIBERS,
    *visit_subscribers.SUBSCRIBERS,
    *community.SUBSCRIBERS,
    *day_plan_subscribers.SUBSCRIBERS,
    *escort_subscribers.SUBSCRIBERS,
    *companion_subscribers.SUBSCRIBERS,
    *vital_subscribers.SUBSCRIBERS,
    *rota_subscribers.SUBSCRIBERS,
    *proxy_subscribers.SUBSCRIBERS,
    *timeline_subscribers.SUBSCRIBERS,
    *wellbeing_subscribers.SUBSCRIBERS,
    *telemedicine.SUBSCRIBERS,
    *absence_reactions.SUBSCRIBERS,
    *carer_absence_reactions.SUBSCRIBERS,
    *home_automation_reactions.SUBSCRIBERS,
    *home_help_reactions.SUBSCRIBERS,
    *home_panel_subscribers.SUBSCRIBERS,
    *home_watch_reactions.SUBSCRIBERS,
    *trip_reactions.SUBSCRIBERS,
    *prescription_reactions.SUBSCRIBERS,
    *billing.SUBSCRIBERS,
    *webhook_subscribers.SUBSCRIBERS,
    *fhir_subscribers.SUBSCRIBERS,
)

JOBS: tuple[Job, ...] = (
    *RELAY_JOBS,
    RETRY_JOB,
    MEASURE_JOB,
    PARTITIONS_JOB,
    audit_chain.SEAL_JOB,
    idempotency.FORGET_JOB,
    rate_limits.FORGET_JOB,
    retention.FORGET_JOB,
    *session_jobs.JOBS,
    *browser_session_jobs.JOBS,
    *sign_in_jobs.JOBS,
    *pairing_jobs.JOBS,
    *smart_jobs.JOBS,
    *organization_jobs.JOBS,
    *media_jobs.JOBS,
    *second_factor_jobs.JOBS,
    *sending_jobs.JOBS,
    *receipt_jobs.JOBS,
    *delivery_operation_jobs.JOBS,
    *callback_jobs.JOBS,
    *digest_jobs.JOBS,
    *cap_jobs.JOBS,
    *webhook_jobs.JOBS,
    *broadcast_jobs.JOBS,
    *check_in_jobs.JOBS,
    *ladder_jobs.JOBS,
    *medication_jobs.JOBS,
    *regimen_proposal_jobs.JOBS,
    *vital_jobs.JOBS,
    *reservation_jobs.JOBS,
    *visit_jobs.JOBS,
    *community.JOBS,
    *day_plan_jobs.JOBS,
    *shift_jobs.JOBS,
    *rota_jobs.JOBS,
    *safe_zone_jobs.JOBS,
    *timeline_jobs.JOBS,
    *erasure_jobs.JOBS,
    *wellbeing_jobs.JOBS,
    *telemedicine.JOBS,
    *fhir_jobs.JOBS,
    *billing.JOBS,
)

ATTACHMENTS = telemedicine.ATTACHMENTS
"""What mails carry beside their words, by notice."""

API_JOBS: tuple[Job, ...] = check_in_jobs.API_JOBS
"""What an API process does beside answering."""

GATEWAY_CONSUMER, GATEWAY_JOBS = community.GATEWAY_CONSUMER, community.GATEWAY_JOBS
"""What stores what homes say, and what a gateway does beside hearing: it alone can speak to homes."""
home_listened = community.home_listened
password_lines = community.password_lines


def load_tables() -> None:
    """Import every module that declares tables, so that the metadata is complete."""
    for module in TABLE_MODULES:
        importlib.import_module(module)


def install() -> None:
    """Give below what it needs from above: tables, subscribers, what mails and calls carry, what clinics have ahead."""
    load_tables()
    install_subscribers(SUBSCRIBERS)
    install_attachments(ATTACHMENTS)
    install_composers(fhir_subscribers.COMPOSERS)
    install_authenticator(IdentityAuthenticator())
    install_visits(booked_visits)
    install_ways(community.HOME_WAYS)
