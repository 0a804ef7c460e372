"""What is done with health records, by people and by what happens."""
