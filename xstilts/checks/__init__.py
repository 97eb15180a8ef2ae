"""What is checked before anything is spent: data, costs, this machine."""
