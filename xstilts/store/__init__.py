"""What is kept on disk: phases, the ledgers of sweeps, leases, hashes of files."""
