"""What Sphinx does for this course beyond its own directives."""
