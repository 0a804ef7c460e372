"""The day of an attraction for those who work there: its slots, its sales, its visitors and its scans."""
