"""What organizations do by themselves."""

from datetime import timedelta

from app.core.jobs import Job
from app.identity.organizations.invitations import forget_old

JOBS = (Job(name="identity.forget_invitations", every=timedelta(hours=6), run=forget_old),)
