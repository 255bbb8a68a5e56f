"""What keeps every change, and forgets whoever asks for it."""
