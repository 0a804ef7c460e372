"""The explicit lists of telemedicine: its routers, subscribers and jobs."""

from app.core.events import Subscriber
from app.core.jobs import Job
from app.core.routing import Router
from telemedicine.appointments import jobs as appointment_jobs
from telemedicine.appointments import subscribers as appointment_subscribers
from telemedicine.appointments.routes import booking as appointments
from telemedicine.appointments.routes import clinics as clinic_appointments
from telemedicine.appointments.routes import follow_ups, waitlist
from telemedicine.calendars import jobs as calendar_jobs
from telemedicine.calendars import subscribers as calendar_subscribers
from telemedicine.calendars.routes import busy as busy_calendars
from telemedicine.calendars.routes import feeds as calendar_feeds
from telemedicine.clinics import jobs as clinic_jobs
from telemedicine.clinics.routes import clinics
from telemedicine.clinics.routes import schedules as clinic_schedules
from telemedicine.clinics.routes import slots as clinic_slots
from telemedicine.consultations import jobs as consultation_jobs
from telemedicine.consultations.routes import consultations, signalling
from telemedicine.consultations.routes import notes as consultation_notes
from telemedicine.linking import routes as patient_links
from telemedicine.prescriptions import jobs as prescription_jobs
from telemedicine.prescriptions import routes as prescriptions
from telemedicine.prescriptions import subscribers as prescription_subscribers
from telemedicine.queues import routes as queues
from telemedicine.records import routes as health_records
from telemedicine.records import subscribers as health_record_subscribers
from telemedicine.referrals import jobs as referral_jobs
from telemedicine.referrals import subscribers as referral_subscribers
from telemedicine.referrals.routes import clinics as clinic_referrals
from telemedicine.referrals.routes import questions as clinicians_questions
from telemedicine.referrals.routes import referrals
from telemedicine.settlement import jobs as settlement_jobs
from telemedicine.settlement import subscribers as settlement_subscribers
from telemedicine.settlement.routes import bills
from telemedicine.settlement.routes import prices as billing_prices
from telemedicine.visit_notes import routes as visit_notes

ROUTERS: tuple[Router, ...] = (
    clinics.router,
    clinic_schedules.router,
    clinic_slots.router,
    consultations.router,
    consultation_notes.router,
    signalling.router,
    appointments.router,
    clinic_appointments.router,
    follow_ups.router,
    waitlist.router,
    queues.router,
    calendar_feeds.router,
    busy_calendars.router,
    health_records.router,
    prescriptions.router,
    referrals.router,
    clinic_referrals.router,
    clinicians_questions.router,
    billing_prices.router,
    bills.router,
    patient_links.router,
    visit_notes.router,
)

SUBSCRIBERS: tuple[Subscriber, ...] = (
    *appointment_subscribers.SUBSCRIBERS,
    *calendar_subscribers.SUBSCRIBERS,
    *health_record_subscribers.SUBSCRIBERS,
    *prescription_subscribers.SUBSCRIBERS,
    *referral_subscribers.SUBSCRIBERS,
    *settlement_subscribers.SUBSCRIBERS,
)

JOBS: tuple[Job, ...] = (
    *clinic_jobs.JOBS,
    *consultation_jobs.JOBS,
    *prescription_jobs.JOBS,
    *appointment_jobs.JOBS,
    *calendar_jobs.JOBS,
    *referral_jobs.JOBS,
    *settlement_jobs.JOBS,
)

ATTACHMENTS = calendar_subscribers.ATTACHMENTS
"""What mails carry beside their words, by notice."""
