"""What the pages of each area stand on: the operations whoever opens them has to be answered by."""
