"""Where a page is played: name spaces, terminals, objects, and what the kernel says of them."""
