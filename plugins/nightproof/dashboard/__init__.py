"""What people look at: pages over the results in object storage, and nothing else."""
