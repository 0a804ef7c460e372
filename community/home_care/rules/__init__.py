"""What is decided about a home: pure functions, to be read aloud to a nurse."""
