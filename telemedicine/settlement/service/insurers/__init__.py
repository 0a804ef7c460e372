"""Insurers: the port, those that speak FHIR, and the local one of the published schemes."""
