"""One use case a file: a frozen class with its ports as fields, called with what woke it."""
