"""TAP 1.1 as a protocol: parameters, documents, tables written in their formats. It runs no query and knows no HTTP."""
