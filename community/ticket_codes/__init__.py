"""What a ticket's QR code says: signed once, and verified by any scanner without a network."""
