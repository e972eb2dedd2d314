"""The pages: what a screenplay is, and how it is read."""
