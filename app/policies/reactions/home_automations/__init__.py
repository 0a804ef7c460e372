"""What a home does when something happens in its resident's care."""
