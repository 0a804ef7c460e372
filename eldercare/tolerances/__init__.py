"""How long is waited for a visit before somebody is told, and how bad that is: as agencies and plans say."""
