"""How the formats are read: pure decisions on documents."""
