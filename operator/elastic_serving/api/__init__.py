"""The resource as users write it: pydantic models, labels, condition reasons, CRD generation. No I/O."""
