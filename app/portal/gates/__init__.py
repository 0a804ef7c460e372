"""The page of a gate: scans tickets and cards by camera, with or without a network."""
