"""The pages the portal is made of."""

from app.core.routing import Router
from app.portal.alarms import routes as alarms
from app.portal.attraction import routes as attraction
from app.portal.authorize import routes as authorize
from app.portal.circles import routes as circles
from app.portal.clinic import routes as clinic
from app.portal.desk import routes as desk
from app.portal.gates import routes as gates
from app.portal.ground import assets
from app.portal.ground import routes as ground
from app.portal.live import routes as live
from app.portal.me import devices
from app.portal.offline import routes as offline
from app.portal.operator import routes as operator
from app.portal.preferences import routes as preferences
from app.portal.provider import routes as provider
from app.portal.push import routes as push
from app.portal.resident_home.routes import ROUTERS as RESIDENT_HOME
from app.portal.resident_life import routes as resident_life
from app.portal.residents import posting as resident_posting
from app.portal.residents import routes as residents
from app.portal.road import ROUTERS as ROAD
from app.portal.sign_in import elsewhere, second_factor
from app.portal.sign_in import routes as sign_in
from app.portal.today import routes as today
from app.portal.video_visits import routes as video_visits
from app.portal.viewing import routes as viewing

ROUTERS: tuple[Router, ...] = (
    ground.router,
    assets.router,
    sign_in.router,
    elsewhere.router,
    second_factor.router,
    devices.router,
    viewing.router,
    alarms.router,
    *attraction.ROUTERS,
    authorize.router,
    circles.router,
    *clinic.ROUTERS,
    desk.router,
    gates.router,
    offline.router,
    preferences.router,
    *provider.ROUTERS,
    today.router,
    *operator.ROUTERS,
    *RESIDENT_HOME,
    *resident_life.ROUTERS,
    residents.router,
    resident_posting.router,
    *ROAD,
    push.router,
    live.router,
    video_visits.router,
)
