"""Table ordering: guests of one table order together from their phones; the kitchen and the floor see it at once."""
