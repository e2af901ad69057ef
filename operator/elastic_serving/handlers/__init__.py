"""kopf, and only here (and in app): watch -> cache -> queue -> the five lines."""
