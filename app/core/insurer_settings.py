"""How insurers are reached."""

import ssl
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator


class FhirInsurer(BaseModel):
    """An insurer, or a city's gateway to one, that speaks FHIR R4."""

    name: str = Field(min_length=1, max_length=120, description="as coverages name it")
    city: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="whose scheme it is")
    endpoint: str = Field(pattern=r"^https?://\S+$", description="the FHIR base address")
    token: SecretStr | None = Field(default=None, description="sent as a bearer token")
    ca_file: Path | None = Field(default=None, description="certificates to trust instead of the system's")
    timeout: float = Field(default=20.0, gt=0, le=30, description="seconds without an answer: it may have been taken")

    def tls_context(self) -> ssl.SSLContext:
        """Return what encrypts; raises ``ValueError`` if the certificates cannot be read."""
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as error:  # ssl.SSLError is one
            raise ValueError(f"the ca_file of an insurer cannot be read ({type(error).__name__})") from error


class InsurerSettings(BaseModel):
    """The insurers that are asked; outside of production the local ones of the published schemes are there, too."""

    fhir: dict[str, FhirInsurer] = Field(default_factory=dict, description="key → insurer, as JSON")
    allow_http: bool = Field(default=False, description="let endpoints be on http, for tests; never in production")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if not self.allow_http and (
            plain := sorted(key for key, one in self.fhir.items() if not one.endpoint.startswith("https://"))
        ):
            raise ValueError(f"HEARTHLINE_INSURERS_FHIR: the endpoints of {', '.join(plain)} must begin with https://")
        return self
