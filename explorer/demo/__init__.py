"""A small real training, and the story that `explorer demo` tells with it: train, snapshot, fork, resume."""
