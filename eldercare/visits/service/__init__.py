"""What is done with care plans and visits."""
