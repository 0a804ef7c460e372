"""The SQL that shows tickets: to whoever bought them, to whoever sells them, to gates."""
