"""What telemedicine has in a resident's timeline."""
