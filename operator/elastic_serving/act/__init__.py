"""What is done: manifests (pure builders) and their execution. I/O out; it decides nothing."""
