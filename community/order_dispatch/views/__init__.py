"""The SQL that reads who is asked, what is known of those who could go, and which orders have nobody."""
