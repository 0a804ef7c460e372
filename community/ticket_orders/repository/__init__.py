"""The SQL that sells tickets, locks them and lets them go."""
