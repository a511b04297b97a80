"""Charts in a terminal: drawn into cells without a screen, then shown by one widget."""
