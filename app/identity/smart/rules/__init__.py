"""What SMART asks for and what becomes of it: pure decisions."""
