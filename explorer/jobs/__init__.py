"""Starting a training on this machine, detached, and knowing ever after what became of it."""
