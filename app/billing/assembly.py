"""The explicit lists of billing: its routers, subscribers and jobs."""

from app.billing.authorizations import jobs as authorization_jobs
from app.billing.authorizations import routes as authorizations
from app.billing.charges import routes as charges
from app.billing.demo import routes as twin
from app.billing.disputes import jobs as dispute_jobs
from app.billing.disputes import routes as disputes
from app.billing.gateway_events import routes as gateway_events
from app.billing.invoices import routes as invoices
from app.billing.invoices import subscribers as invoice_subscribers
from app.billing.ledger import routes as ledger
from app.billing.payers import routes as payers
from app.billing.payouts import jobs as payout_jobs
from app.billing.payouts import routes as payouts
from app.billing.reconciliation import jobs as reconciliation_jobs
from app.billing.subsidies import routes as subsidies
from app.billing.wallet import jobs as wallet_jobs
from app.billing.wallet import routes as wallet
from app.core.events import Subscriber
from app.core.jobs import Job
from app.core.routing import Router

ROUTERS: tuple[Router, ...] = (
    charges.router,
    gateway_events.router,
    invoices.router,
    ledger.router,
    payouts.router,
    disputes.router,
    payers.router,
    authorizations.router,
    subsidies.router,
    wallet.router,
)

DEMO_ROUTERS: tuple[Router, ...] = (twin.router,)

SUBSCRIBERS: tuple[Subscriber, ...] = (*invoice_subscribers.SUBSCRIBERS,)

JOBS: tuple[Job, ...] = (
    *dispute_jobs.JOBS,
    *payout_jobs.JOBS,
    *authorization_jobs.JOBS,
    *wallet_jobs.JOBS,
    *reconciliation_jobs.JOBS,
)
