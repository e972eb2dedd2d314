"""What performs the screenplay, and what renders it (the modules sphinx_*)."""
