"""What others may rely on: shapes, problem types and the documents derived from them."""
