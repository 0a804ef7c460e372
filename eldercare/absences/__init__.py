"""When a resident is not at home: one statement, away or in hospital from then until then, that all care heeds."""
