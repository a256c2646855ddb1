"""The job as a protocol (UWS 1.1): phases, rows, use cases, documents, addresses. It has never heard of Docker."""
