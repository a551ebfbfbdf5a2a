"""Steps 9 and 10: facts are appended in numbered streams and told to the world in that order."""
