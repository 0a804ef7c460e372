"""What people say and are told about video visits."""
