"""``make serve``: the course on localhost, which follows every save."""
