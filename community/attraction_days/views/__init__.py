"""The SQL that reads an attraction's days and what limits its sales."""
