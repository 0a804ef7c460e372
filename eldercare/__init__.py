"""Keeping an eye on older people who live at home: check-ins, alarms, the circle of people who care."""
