"""The circle's rota: who of it is on call when, with swaps, absences and holidays, and hours that nobody has."""
