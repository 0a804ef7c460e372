"""What an automation says, and what follows from it: pure, for the live home and for a trial run alike."""
