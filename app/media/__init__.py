"""Uploads: received in resumable pieces, stripped of what they tell about their sender, served by signed links."""
