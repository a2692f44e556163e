"""HTTP/1.1: connections, request bodies, time limits."""
