"""What a person asks for: requests, and the one pipeline that carries them out."""
