"""What is told: status (pure), one writer, events, the metrics of the operator itself."""
