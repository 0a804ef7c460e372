"""The SQL that reads scenes, automations and what they did."""
