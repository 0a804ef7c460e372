"""What scenes and automations do, and what is done with them."""
