"""What is done with appointments: booked, changed, offered, reminded of."""
