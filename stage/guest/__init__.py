"""The Linux in the page: how it is made, and how a page is played in it."""
