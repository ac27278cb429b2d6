"""What parties of a joint plan are paid: the seam to whoever plans, the mechanisms, the settlement, and its audit."""
