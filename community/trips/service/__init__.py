"""What is done with trips: planned, joined, waited for, called off, led and counted."""
