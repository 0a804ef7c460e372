"""What follows when somebody is missing on a trip, and when they are found."""
