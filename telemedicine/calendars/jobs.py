"""What the worker does for calendars: it reads those that say when somebody is busy."""

from datetime import timedelta
from typing import Final

from app.core.jobs import Job
from telemedicine.calendars.service import fetching

JOBS: Final = (Job("telemedicine.read_busy_calendars", timedelta(seconds=30), fetching.run),)
