"""Plays pages and holds them against the kernel."""
