"""The use cases of clinics: setting them up, their hours, and finding a time."""
