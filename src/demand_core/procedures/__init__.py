"""What takes several calls of ports and is more than one worker's, or more than one screen."""
