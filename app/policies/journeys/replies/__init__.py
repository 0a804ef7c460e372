"""The demo's phones answer: a text message from the outbox page is taken as a provider would hand it in."""
