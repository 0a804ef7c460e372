"""What is done without a connection: kept on the device, sent once, and pages that can still be read."""
