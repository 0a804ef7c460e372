"""What clinics do with prices, bills and claims, and how insurers are asked."""
