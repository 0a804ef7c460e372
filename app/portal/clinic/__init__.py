"""The clinic's own pages: its day, its lines and their screens, whom it sees, what it writes, refers and prescribes."""
