"""Trees of instances in archives: tar, compressed or not, and images of containers, in and out."""
