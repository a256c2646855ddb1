"""What the demo and the tests start around datacenters: a Docker engine and repository, images, star catalogues.

None of it is part of the service: a real datacenter has its own of each.
"""
