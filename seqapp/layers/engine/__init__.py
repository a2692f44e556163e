"""The compiled engine: one loop and one gradient for a whole sequence."""
