"""The facts that smart homes emit: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event


class _OfHome(Event):
    """``aggregate_id`` is the home; ``resident_id`` whose it is."""

    name: ClassVar[str] = "community.of_home.v1"

    resident_id: uuid.UUID


class _OfIncident(Event):
    """``aggregate_id`` is the incident: what was noticed in the home ``home_id`` of ``resident_id``."""

    name: ClassVar[str] = "community.of_incident.v1"

    resident_id: uuid.UUID
    home_id: uuid.UUID
    kind: str


class _OfOutage(Event):
    """``aggregate_id`` is the outage: ``homes`` homes of ``building`` fell silent together."""

    name: ClassVar[str] = "community.of_outage.v1"

    building: str
    homes: int


class HomeNoticed(_OfIncident):
    """A home noticed what somebody should know of. ``is_hint``: it may well be nothing, one looks before one runs."""

    name: ClassVar[str] = "community.home_noticed.v1"
    critical: ClassVar[bool] = True

    entity_id: uuid.UUID | None = None
    severity: Literal["low", "medium", "high", "critical"]
    is_hint: bool = False


class HomeSettled(_OfIncident):
    """What a home had noticed is over there: the smoke has gone, somebody moves again."""

    name: ClassVar[str] = "community.home_settled.v1"


class HomeActive(_OfHome):
    """Somebody who lives alone went about their home as on any day. At most one in 15 minutes."""

    name: ClassVar[str] = "community.home_active.v1"


class HomeFellSilent(_OfHome):
    """Nothing is heard of a home any more: it notices nothing for us. ``outage_id``: its whole building is silent."""

    name: ClassVar[str] = "community.home_fell_silent.v1"

    outage_id: uuid.UUID | None = None


class HomeHeardAgain(_OfHome):
    """A home that was silent is heard again."""

    name: ClassVar[str] = "community.home_heard_again.v1"


class BuildingFellSilent(_OfOutage):
    """Nothing is heard of a building's homes: its power or its line is down, rather than all of them ill."""

    name: ClassVar[str] = "community.building_fell_silent.v1"


class BuildingHeardAgain(_OfOutage):
    """The homes of a building that was silent are heard again."""

    name: ClassVar[str] = "community.building_heard_again.v1"


class HomePanelPressed(Event):
    """A resident's button was pressed on a panel, ``aggregate_id``, in their home: for help, or that all is well.

    Critical either way: one is a call for help, the other keeps people from being called in vain.
    """

    name: ClassVar[str] = "community.home_panel_pressed.v1"
    critical: ClassVar[bool] = True

    resident_id: uuid.UUID
    home_id: uuid.UUID
    button: Literal["sos", "fine"]


class HomePanelStale(Event):
    """What a panel, ``aggregate_id``, shows of a resident may not be so any more."""

    name: ClassVar[str] = "community.home_panel_stale.v1"

    resident_id: uuid.UUID


class HomeClosed(Event):
    """A connected home, ``aggregate_id``, is closed: its hub is let in no more, and nothing of it is collected."""

    name: ClassVar[str] = "community.home_closed.v1"

    resident_id: uuid.UUID
