"""What a clinician writes while they see somebody in person: a draft of their own, until it is signed."""
