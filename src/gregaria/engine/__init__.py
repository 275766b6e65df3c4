"""NATIVE. Bytes, time and counting; knows nothing of users or tests."""
