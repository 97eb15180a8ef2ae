"""What is kept: phases, the sweep's ledger, leases, hashes of files."""
