"""Plays a page in front of a class, in tmux."""
