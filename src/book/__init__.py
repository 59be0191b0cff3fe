"""What the firm recorded: the input contract, its mapping from the firm's own tables, its checks, and a simulator."""
