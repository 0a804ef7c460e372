"""Care at a distance and by appointment: clinics and their hours, and what is booked, held and written there."""
