"""FHIR for clinics."""
