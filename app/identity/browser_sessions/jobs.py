"""What browsers that were signed in leave behind is deleted in time."""

from datetime import timedelta

from app.core.jobs import Job
from app.identity.browser_sessions import service

JOBS = (Job(name="identity.purge_browser_sessions", every=timedelta(hours=1), run=service.purge),)
