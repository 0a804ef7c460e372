"""What people say and are told about clinics, their hours, and the times that can be booked."""
