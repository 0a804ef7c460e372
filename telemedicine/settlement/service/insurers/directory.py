"""Which insurers there are: those of the settings, and outside of production the published schemes."""

from dataclasses import dataclass

from app.core.settings import settings
from telemedicine.records.schemas.administrative import CoverageContent
from telemedicine.settlement.rules.splitting import schemes
from telemedicine.settlement.service.insurers.fhir import FhirApi
from telemedicine.settlement.service.insurers.local import LocalInsurer
from telemedicine.settlement.service.insurers.port import Insurer

SYSTEM = "urn:hearthline:insurer"
"""The system of ``Coverage.type`` that names an insurer by its key."""


@dataclass(frozen=True, slots=True)
class Known:
    """An insurer that can be asked."""

    key: str
    name: str
    city: str


def insurer_of(coverage: CoverageContent) -> Known | None:
    """Return the insurer a coverage is with: by the key in its type, or by its name as it is written there."""
    known = _known()
    coding = coverage.type.coding if coverage.type else None
    if coding is not None and coding.system == SYSTEM:
        return known.get(coding.code)
    named = coverage.insurer.casefold()
    return next((one for one in known.values() if one.name.casefold() == named), None)


def name_of(key: str) -> str:
    """Return what an insurer is called; one that is known no longer by its key."""
    found = _known().get(key)
    return found.name if found else key


def _known() -> dict[str, Known]:
    current = settings()
    local = {} if current.environment == "production" else schemes()
    return {
        **{key: Known(key, one.name, one.city) for key, one in local.items()},
        **{key: Known(key, one.name, one.city) for key, one in current.insurers.fhir.items()},
    }


class Insurers:
    """The insurers of a batch: connections are opened when they are needed, and closed at the end."""

    def __init__(self) -> None:
        self._open: dict[str, FhirApi] = {}

    def by_key(self, key: str) -> Insurer | None:
        """Return an insurer, if it is known."""
        configured = settings().insurers.fhir.get(key)
        if configured is not None:
            if key not in self._open:
                self._open[key] = FhirApi(configured)
            return self._open[key]
        scheme = None if settings().environment == "production" else schemes().get(key)
        return None if scheme is None else LocalInsurer(scheme)

    async def close(self) -> None:
        """Close the connections."""
        while self._open:
            _, api = self._open.popitem()
            await api.close()
