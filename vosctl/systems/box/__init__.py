"""The box network, which finds an object in its box."""
