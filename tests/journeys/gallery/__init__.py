"""Pictures of all main pages for docs/pictures, of a datacenter filled for that: `python -m tests.journeys.gallery`."""
