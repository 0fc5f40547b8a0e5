"""HTTP over API Gateway's proxy events: reading requests, writing replies, mapping errors. No business rules."""
