"""The duty desk: its queue of alarms, who of it has which, handing over, and the scripts it works by."""
