"""What is to be achieved for a resident: goals as FHIR R4 has them, with what was said of them over time."""
