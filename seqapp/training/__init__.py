"""The training loop, its optimizer, checkpoints, progress, and checks before the first step."""
