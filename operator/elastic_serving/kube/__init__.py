"""One thin asynchronous client of the Kubernetes API. Knows no ElasticServing."""
