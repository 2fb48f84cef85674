"""What operators run: workers and their supervisor, sync, doctor, demo."""
