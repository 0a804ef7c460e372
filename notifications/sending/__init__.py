"""The worker's part: deliveries are claimed lane by lane, rendered, sent, and settled as their outcomes come in."""
