"""Everything about a resident as one stream: the list, live, as a file, and once a week in numbers."""
