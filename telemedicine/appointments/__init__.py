"""Appointments: from needing a doctor to having seen one."""
