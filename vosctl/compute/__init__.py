"""The machine: devices, number types, packed forms of networks, threads, transfers."""
