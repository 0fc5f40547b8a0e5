"""A read model in a table of DynamoDB."""
