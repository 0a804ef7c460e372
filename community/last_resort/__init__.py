"""What the duty desk is told of orders, trips and homes that Hearthline cannot carry on with by itself."""
