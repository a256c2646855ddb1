"""What the demo and the tests start around the datacenters: a Docker engine, a Docker repository, images, star catalogues.

None of it is part of the service: a real datacenter has its own of each.
"""
