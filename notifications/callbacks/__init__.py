"""What a provider of messages and calls reports: statuses, replies, and the keys somebody pressed."""
