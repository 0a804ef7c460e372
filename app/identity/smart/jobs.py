"""What SMART leaves behind is deleted in time."""

from datetime import timedelta

from app.core.jobs import Job
from app.identity.smart.service import tokens

JOBS = (Job(name="identity.purge_smart", every=timedelta(minutes=10), run=tokens.purge),)
