"""Workers over HTTP: as their provider keeps them, and as they keep themselves."""
