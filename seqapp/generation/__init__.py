"""Generation: decoding over a network that keeps its state, and generation by repeated questions."""
