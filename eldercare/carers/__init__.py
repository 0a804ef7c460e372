"""Who makes visits: what carers can do, and their hours."""
