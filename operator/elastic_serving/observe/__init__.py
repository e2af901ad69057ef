"""What is seen: signals from Prometheus, replicas from pods. I/O in; it decides nothing."""
