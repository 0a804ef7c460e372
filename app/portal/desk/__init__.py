"""The duty desk: what waits, what to ask and do, who has it, and how fast people were."""
