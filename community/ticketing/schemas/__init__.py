"""What is said of tickets on offer, and what others see of them."""
