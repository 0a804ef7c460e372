"""SMART on FHIR: machines let in by signed assertions, and apps by people who agree (SMART App Launch 2)."""
