"""What signing in leaves behind is deleted in time."""

from datetime import timedelta

from app.core.jobs import Job
from app.identity.sign_in import service

JOBS = (Job(name="identity.purge_sign_in_challenges", every=timedelta(hours=1), run=service.purge),)
