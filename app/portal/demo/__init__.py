"""What only a demo's pages offer: somebody who falls when a visitor wants to see what comes of it."""
