"""What is looked at before anything is spent: data, costs, this machine."""
