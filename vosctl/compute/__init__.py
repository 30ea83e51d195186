"""The machine: devices, dtypes, packed forms of networks, threads, transfers."""
