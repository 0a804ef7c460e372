"""What homes send, stored by the batch: where each message belongs, what it changes, and who hears of the change."""
