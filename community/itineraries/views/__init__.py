"""The SQL that reads days out."""
