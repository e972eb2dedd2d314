"""The Linux in the page: how it is made, and how it is played in."""
