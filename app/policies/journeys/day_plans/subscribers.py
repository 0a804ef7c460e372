"""What makes a day be planned anew: a visit or an order that goes on longer than it should."""

from typing import Final

from app.core.events import Subscriber
from app.policies.journeys.day_plans.overruns import follow
from community.events import OrderOverran
from eldercare.events import VisitOverran

SUBSCRIBERS: Final = (Subscriber("policies.plan_days_anew", (OrderOverran, VisitOverran), follow),)
