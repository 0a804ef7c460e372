"""The use cases of webhooks: looking after endpoints, writing what they are told, calling them."""
