"""What companies that help at home work with: orders, the plan of a day, their people, what is said, and the money."""
