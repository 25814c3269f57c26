"""Files as the input of a stream: which they are, the schema they have in common, their rows. Knows no database."""
