"""What happened to each client after a date: labels with windows, unknown where a window is not fully observed."""
