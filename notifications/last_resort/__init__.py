"""The last resort: what fails again and again is told to the duty desk, by nothing but ids."""
