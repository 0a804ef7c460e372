"""What is done with proposals: made of prescriptions, answered, told of, ended."""
