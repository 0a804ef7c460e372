"""What is known of a message after it left: that it reached the phone, that somebody reacted to it."""
