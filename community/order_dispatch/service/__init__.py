"""Finding somebody for an order: whom it suits, who is asked, and what is done when nobody is found."""
