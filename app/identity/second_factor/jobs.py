"""What second factors leave behind is deleted in time."""

from datetime import timedelta

from app.core.jobs import Job
from app.identity.second_factor import passkeys

JOBS = (Job(name="identity.purge_passkey_challenges", every=timedelta(hours=1), run=passkeys.purge),)
