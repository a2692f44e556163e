"""TensorFlow Serving's REST interface: paths, bodies, status codes."""
