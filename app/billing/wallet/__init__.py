"""The cards somebody has saved to pay with: saved, shown, removed and forgotten at the gateway."""
