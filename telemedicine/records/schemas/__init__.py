"""What is said in health records, kind by kind, and how a record is shown."""
