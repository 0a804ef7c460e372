"""FHIR R4 (4.0.1) for clinics and their systems: another face of what is stored, and no store of its own."""
