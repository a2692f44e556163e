"""HTTP/1.1: connections, bodies and limits."""
