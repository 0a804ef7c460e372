"""What other packages, and features beside each other, may do with the community's services: who could go to a home.

An order is given to somebody in one unit of work: ``workers_for`` says who could go, ``engage`` keeps whoever is chosen
from being suspended meanwhile and returns their calendar, and ``app.reservations.api.take`` takes of it. What
``community.events`` tells of workers is at odds with orders ahead: ``workers_for`` with ``account_ids`` says whether
somebody still could go.
"""

from community.workers.problems import WorkerUnavailable
from community.workers.rules import Circle, Sex, Vehicle, WorkerDay
from community.workers.service.engaging import engage
from community.workers.views.days import worker_of as require_worker
from community.workers.views.days import workers_for

__all__ = [
    "Circle",
    "Sex",
    "Vehicle",
    "WorkerDay",
    "WorkerUnavailable",
    "engage",
    "require_worker",
    "workers_for",
]
