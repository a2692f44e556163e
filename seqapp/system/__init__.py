"""The operating system and the runtime: files, locks, signals, the TensorFlow import. Knows nothing about sequences."""
