"""What is read of health records."""
