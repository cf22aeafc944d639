"""The I/O manager: file objects and what is done with them."""
