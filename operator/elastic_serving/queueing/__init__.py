"""Textbook formulas of queues: numbers in, numbers out; nothing here knows of servings, replicas or Kubernetes."""
