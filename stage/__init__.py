"""What plays the sessions of the pages: to check them, in front of a class, and in the page."""
