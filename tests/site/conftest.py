"""A browser, and the site in it."""

from tabs import chromium, site, tab  # noqa: F401
