"""What is done at gates: they are kept, scans are brought and judged, conflicts decided."""
