"""TF Serving's REST interface: JSON requests to arrays, and arrays to JSON answers."""
