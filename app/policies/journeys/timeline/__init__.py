"""Everything about a resident as one stream, of all domains: the list, live, as a file and on paper."""
