"""What all pages of the portal stand on: who visits, what they ask, how a page looks, and what is posted."""
