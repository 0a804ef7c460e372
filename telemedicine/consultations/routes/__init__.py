"""Video visits over HTTP and WebSocket."""
