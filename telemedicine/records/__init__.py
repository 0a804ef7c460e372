"""Health records: what a clinic or a resident knows of the resident's health, each version of it kept."""
