"""The explicit lists: which tables, routers, subscribers and jobs Hearthline is made of, and who authenticates."""

import importlib

from app.core.access import install_authenticator
from app.core.events import Subscriber, install_subscribers
from app.core.jobs import Job
from app.core.lag import MEASURE_JOB
from app.core.parked_rows import RETRY_JOB
from app.core.partitions import PARTITIONS_JOB
from app.core.relay import RELAY_JOBS
from app.core.routing import Router
from app.identity.authenticator import IdentityAuthenticator

TABLE_MODULES = (
    "app.core.audit_tables",
    "app.core.due_tables",
    "app.core.event_tables",
    "app.core.idempotency",
    "app.core.rate_limits",
    "app.identity.models",
    "app.identity.clients.models",
    "app.identity.installations.models",
    "app.identity.pairing.models",
    "app.identity.sessions.models",
    "app.identity.sign_in.models",
    "notifications.delivery.models",
    "notifications.inbox.models",
)

ROUTERS: tuple[Router, ...] = ()

DEMO_ROUTERS: tuple[Router, ...] = ()
"""Mounted everywhere but in production."""

SUBSCRIBERS: tuple[Subscriber, ...] = ()

JOBS: tuple[Job, ...] = (*RELAY_JOBS, RETRY_JOB, MEASURE_JOB, PARTITIONS_JOB)


def load_tables() -> None:
    """Import every module that declares tables, so that the metadata is complete."""
    for module in TABLE_MODULES:
        importlib.import_module(module)


def install() -> None:
    """Give the kernel what it needs from above: the tables, the subscribers, the authenticator."""
    load_tables()
    install_subscribers(SUBSCRIBERS)
    install_authenticator(IdentityAuthenticator())
