"""The kinds of resources there are, each with how it is searched, read, shown and, where it can be, written."""
