"""What is done about exports: ordered, worked on, fetched."""
