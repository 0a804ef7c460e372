"""A resident's own pages beyond the first one."""
