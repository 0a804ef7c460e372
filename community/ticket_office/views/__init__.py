"""The SQL that reads tills, allotments and what is printed."""
