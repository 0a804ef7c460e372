"""What is read of workers: as their provider keeps them, and as who could go."""
