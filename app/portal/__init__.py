"""Pages for people, over the packages' own doors."""
