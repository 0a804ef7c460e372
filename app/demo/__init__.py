"""The demo: a community that never was, whose past was made by running the clock forward."""
