"""What was known of each client at a date: point-in-time features, one definition for training and scoring."""
