"""The SQL that reads clinics: what they are, when they are there, and what is taken of them."""
