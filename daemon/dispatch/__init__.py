"""Steps 4 to 6 and 9: what is due is made ready, claimed, permitted, handed out and settled."""
