"""The kernel: knows none of our other packages."""
