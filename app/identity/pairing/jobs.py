"""What pairing leaves behind is deleted in time."""

from datetime import timedelta

from app.core.jobs import Job
from app.identity.pairing import service

JOBS = (Job(name="identity.purge_pairings", every=timedelta(hours=1), run=service.purge),)
