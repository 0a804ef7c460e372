"""Taking up what was prescribed, or saying why not: the prescription and the plan in one piece."""
